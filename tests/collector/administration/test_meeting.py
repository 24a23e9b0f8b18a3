"""Server and command line meet wherever the data folder lies."""

import socket

from collector.administration import admin, meeting


def test_a_socket_below_a_folder_of_a_long_name_is_bound_for_its_user_alone_and_reached(tmp_path):
    folder = tmp_path / ("x" * 120) / ("y" * 120)
    folder.mkdir(parents=True)

    with admin.bind_socket(folder) as server, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        server.listen()
        with meeting.address(folder / meeting.SOCKET) as short:
            client.connect(short)
        client.sendall(b"here")
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(4) == b"here"
        assert (folder / meeting.SOCKET).stat().st_mode & 0o777 == 0o600
