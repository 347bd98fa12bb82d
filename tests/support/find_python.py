"""Print the path of a Python of a given version: ``python3 find_python.py 3.13`` or, for a range, ``3.11 3.14``.

Looks at PATH, at pyenv's folder and at what uv knows; every candidate is run once, because pyenv's shims lie.
Written for any Python 3, since it runs before there is an environment.
"""

import glob
import os
import shutil
import subprocess
import sys


def candidates(minors):
    """Yield paths that may be Pythons, the likeliest first."""
    yield shutil.which("python3")
    for minor in minors:
        yield shutil.which(f"python3.{minor}")
    shim = shutil.which("pyenv") or shutil.which("python3") or ""
    roots = [
        os.environ.get("PYENV_ROOT", ""),
        os.path.expanduser("~/.pyenv"),
        os.path.dirname(os.path.dirname(shim)),
        os.path.dirname(os.path.dirname(sys.base_prefix)),
    ]
    for root in filter(None, roots):
        for minor in minors:
            yield from sorted(glob.glob(os.path.join(root, "versions", f"3.{minor}.*", "bin", "python3")), reverse=True)
    if shutil.which("uv"):
        for minor in minors:
            found = subprocess.run(["uv", "python", "find", f"3.{minor}"], stdout=subprocess.PIPE, check=False)
            yield found.stdout.decode().strip()


def minor_version(path):
    """Return the minor version of the Python 3 at ``path``, or None if it does not run."""
    code = "import ensurepip, sys, venv; print(sys.version_info[1])"
    try:
        run = subprocess.run([path, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return None
    return int(run.stdout) if run.returncode == 0 else None


def main(lowest, highest):
    """Find a Python from ``lowest`` to ``highest``; the exit code says whether there is one."""
    minors = range(int(highest.split(".")[1]), int(lowest.split(".")[1]) - 1, -1)
    for path in candidates(minors):
        if path and minor_version(path) in minors:
            print(path)
            return 0
    wanted = lowest if lowest == highest else f"{lowest} to {highest}"
    sys.stderr.write(
        f"Missing: Python {wanted} (with venv), on PATH, under pyenv or known to uv. Install it, for example with "
        f"'pyenv install {highest}' or 'uv python install {highest}'.\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[-1]))
