#!/usr/bin/env python3
"""A traffic provider for Linnet that keeps the split in a file.

    split.py FILE OPERATION < request

It is a beginning for your own: whatever moves your traffic goes where it says so
below. The contract is in docs/own-provider.md.
"""

import fcntl
import json
import os
import sys

CAN = {"more than two arms"}  # what a route may need beside weights

EXIT_CODES = {"invalid": 40, "not_found": 44, "conflict": 49, "unavailable": 1}


class Failure(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def answer(file, request):
    """Does what a request asks for, and returns the answer."""
    if request.get("version") != 1:
        raise Failure("invalid", f"version {request.get('version')} is not spoken here, only 1")
    with open(file + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time, also of two processes
        if request["operation"] == "apply":
            apply(file, request)
            return {}
        if request["operation"] == "observe":
            return {"route": served(file, request)}
    raise Failure("invalid", f"no operation {request['operation']}")


def apply(file, request):
    route, present = request["route"], served(file, request)
    lacking = set(request.get("needs", [])) - CAN
    if lacking:
        raise Failure("invalid", f"there is no {', '.join(sorted(lacking))} here")
    if route["epoch"] < present["epoch"]:
        raise Failure("conflict", f"epoch {route['epoch']} is stale, {present['epoch']} is served")
    if route["epoch"] == present["epoch"] and route["owner"] != present["owner"]:
        raise Failure("conflict", f"epoch {route['epoch']} is that of {present['owner']}")
    with open(file + ".new", "w") as new:
        json.dump(route, new)
        new.flush()
        os.fsync(new.fileno())
    os.replace(new.name, file)  # all of it or nothing, also when killed here
    # Here your own router would be told: of route["weights"], and whatever else.


def served(file, request):
    """What is served now: by the file, and all to the first arm before there is one."""
    try:
        with open(file) as f:
            return json.load(f)
    except FileNotFoundError:
        return {"weights": [{"arm": request["arms"][0], "weight": 100000}], "epoch": 0, "owner": ""}


def main():
    try:
        print(json.dumps(answer(sys.argv[1], json.load(sys.stdin))))
    except Failure as f:
        print(json.dumps({"code": f.code, "error": str(f)}))
        sys.exit(EXIT_CODES[f.code])


if __name__ == "__main__":
    main()
