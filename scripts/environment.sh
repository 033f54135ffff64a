# Sourced by the other scripts: makes .venv in the checkout and installs stocktrend into it.
#
# prepare EXTRAS    EXTRAS is empty or a list such as "dev". Does nothing where an earlier call
#                   installed the same pyproject.toml and constraints.txt.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
    local name
    for name in "${PYTHON:-}" python3.11 python3 python3.12 python3.13 python; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "stocktrend needs Python 3.11 or newer, however: none was found on the PATH." \
        "Install it, or name one: PYTHON=/path/to/python $0" >&2
    return 1
}

make_venv() {
    local python
    python=$(find_python)
    echo "Making .venv with $("$python" --version)" >&2
    rm -rf .venv
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "$python must be able to make virtual environments, however: it failed (see above)." \
            "On Debian or Ubuntu: apt-get install python3-venv" >&2
        return 1
    fi
}

prepare() {
    local extras="$1" stamp wanted
    stamp=".venv/installed${extras:+-$extras}"
    wanted=$(
        echo "$PWD"
        cat pyproject.toml constraints.txt
    )
    if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || make_venv
    echo "Installing stocktrend${extras:+[$extras]} and its libraries into .venv" \
        "(once; some minutes)" >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt --editable ".${extras:+[$extras]}"
    printf '%s\n' "$wanted" >"$stamp"
}
