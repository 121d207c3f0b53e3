#!/usr/bin/env python3
"""The same as split.py, as an HTTP endpoint for Linnet's webhook.

    serve.py FILE TOKEN_FILE [PORT]

It prints its URL when it is ready. The contract is in docs/own-provider.md.
"""

import hmac
import http.server
import json
import sys

import split

STATUS = {"invalid": 400, "not_found": 404, "conflict": 409, "unavailable": 503}
LONGEST = 64 * 1024  # bytes of a request


class Handler(http.server.BaseHTTPRequestHandler):
    timeout = 10  # seconds for a request to arrive

    def do_POST(self):
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), ("Bearer " + self.server.token).encode()):
            return self.say(401, {"code": "invalid", "error": "the bearer token is missing or wrong"})
        length = int(self.headers.get("Content-Length", 0))
        if length > LONGEST:
            return self.say(413, {"code": "invalid", "error": f"a request has at most {LONGEST} bytes"})
        try:
            self.say(200, split.answer(self.server.file, json.loads(self.rfile.read(length))))
        except split.Failure as f:
            self.say(STATUS[f.code], {"code": f.code, "error": str(f)})
        except (ValueError, KeyError) as e:
            self.say(400, {"code": "invalid", "error": f"that is no request: {e!r}"})
        except OSError as e:
            self.say(503, {"code": "unavailable", "error": str(e)})

    def say(self, status, answer):
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def main():
    file, token_file, port = (sys.argv[1:] + ["0"])[:3]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.file = file
    with open(token_file) as f:
        server.token = f.read().strip()
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
