# Sourced by deploy/quickstart and tests/run: finds a Python, makes a virtual environment from hash-pinned requirements,
# and gets Debian's packages, on a machine that may have only git, python3 and apt. What cannot be had is said, with
# what it is for; the caller decides whether it can go on without.

export PATH="$PATH:/usr/sbin:/sbin"

say() { printf '%s\n' "$*" >&2; }

root() { [ "$(id -u)" = 0 ]; }

apt_updated=
apt_update() {
    [ -z "$apt_updated" ] || return 0
    apt_updated=yes
    say "  asking Debian's archive what it has (apt-get update)"
    root && apt-get -qq update >&2 || return 0
}

apt_install() { # PACKAGE...: installs, or says that it cannot; status tells which
    command -v apt-get >/dev/null || { say "  no apt-get here: cannot install $*"; return 1; }
    root || { say "  not root: cannot install $*.  Do it once with: sudo apt-get install $*"; return 1; }
    apt_update
    say "  installing Debian's $*"
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install "$@" \
        </dev/null >/dev/null || { say "  apt-get could not install $*"; return 1; }
}

python_fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
python_makes_venvs() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

choose_python() { # sets $python: $CAMPUS_WIFI_PYTHON, else the first that is new enough and makes environments
    local candidate fits=
    for candidate in "${CAMPUS_WIFI_PYTHON:-python3}" python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
        candidate=$(command -v "$candidate") || continue
        python_fits "$candidate" || continue
        python_makes_venvs "$candidate" && { python=$candidate; return; }
        fits=${fits:-$candidate}
    done
    if [ -z "$fits" ]; then
        say "needs Python 3.11 or newer: install it, or set CAMPUS_WIFI_PYTHON to one"
        return 1
    fi
    # Debian's python3 comes without venv and pip.
    if apt_install python3-venv && python_makes_venvs /usr/bin/python3 && python_fits /usr/bin/python3; then
        python=/usr/bin/python3
        return
    fi
    if command -v uv >/dev/null || "$fits" -m virtualenv --version >/dev/null 2>&1; then
        python=$fits
        return
    fi
    say "$fits cannot make virtual environments: install python3-venv, or set CAMPUS_WIFI_PYTHON to a Python that can"
    return 1
}

make_venv() { # DIRECTORY PYTHON REQUIREMENTS...: the environment, installed anew only when its inputs changed
    local venv=$1 python=$2 wanted
    shift 2
    wanted=$("$python" --version; cat pyproject.toml "$@" | sha256sum)
    if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/installed" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        say "  making the virtual environment $venv with $("$python" --version)"
        if python_makes_venvs "$python"; then "$python" -m venv "$venv"
        elif command -v uv >/dev/null; then uv venv --quiet --seed --python "$python" "$venv"
        else "$python" -m virtualenv --quiet "$venv"; fi
    fi
    local arguments=() file
    for file in "$@"; do arguments+=(-r "$file"); done
    say "  installing $(cat "$@" | grep -oE '^[a-z][^ ]*==' | sort -u | wc -l) pinned packages, each checked by its hash"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes "${arguments[@]}" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation \
        --editable . >&2
    printf '%s\n' "$wanted" >"$venv/installed"
}

extract_debian() { # DIRECTORY PACKAGE...: fetches Debian's packages and unpacks them there. Never installs: that would
    # start services. A package that cannot be had is said and left out.
    local into=$1 package work
    shift
    mkdir -p "$into"
    for package in "$@"; do
        [ ! -e "$into/.extracted-$package" ] || continue
        command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { say "  no apt here: cannot fetch $package"; continue; }
        work=$(mktemp -d)
        # The archive's lists may be old or not there at all: ask again once before giving up.
        if (cd "$work" && apt-get -qq download "$package") >/dev/null 2>&1 ||
            { apt_update && (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package") >/dev/null; }; then
            dpkg-deb -x "$work"/*.deb "$into" && touch "$into/.extracted-$package" && say "  fetched and unpacked $package"
        else
            say "  Debian's $package could not be fetched"
        fi
        rm -rf "$work"
    done
    relocate_alertmanager "$into"
}

relocate_alertmanager() { # DIRECTORY: Debian's Alertmanager reads its message templates below /usr/share, where nothing
    # was installed. A path of the same length, relative to where it was unpacked, lets it read its own. Give it absolute
    # file names: it starts in its directory.
    local program=$1/usr/bin/prometheus-alertmanager
    [ -x "$program" ] && [ ! -e "$program.real" ] && [ ! -e /usr/share/prometheus/alertmanager ] || return 0
    LC_ALL=C sed 's#/usr/share/prometheus/alertmanager#usr//share/prometheus/alertmanager#g' "$program" >"$program.new"
    chmod 755 "$program.new"
    mv "$program.new" "$program.real"
    printf '#!/bin/sh\ncd "$(dirname "$0")/../.." && exec usr/bin/prometheus-alertmanager.real "$@"\n' >"$program"
    chmod 755 "$program"
}
