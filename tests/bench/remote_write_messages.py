"""Remote write 1.0's messages through the protobuf library: the peer of the bench, and the oracle of the tests."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_MESSAGES = {
    "Label": [("name", 1, _FIELD.TYPE_STRING, False, ""), ("value", 2, _FIELD.TYPE_STRING, False, "")],
    "Sample": [("value", 1, _FIELD.TYPE_DOUBLE, False, ""), ("timestamp", 2, _FIELD.TYPE_INT64, False, "")],
    "TimeSeries": [
        ("labels", 1, _FIELD.TYPE_MESSAGE, True, ".prometheus.Label"),
        ("samples", 2, _FIELD.TYPE_MESSAGE, True, ".prometheus.Sample"),
    ],
    "WriteRequest": [("timeseries", 1, _FIELD.TYPE_MESSAGE, True, ".prometheus.TimeSeries")],
}


def _write_request() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="remote.proto", package="prometheus", syntax="proto3")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, type_, repeated, of in fields:
            label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            described.field.add(name=name, number=number, type=type_, label=label, type_name=of or None)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("prometheus.WriteRequest"))


WriteRequest: Any = _write_request()
