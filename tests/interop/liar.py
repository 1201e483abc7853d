"""A service that promises more than it sends: Python's own server, with bodies and headers that do not fit."""

import http.server
import sys


class Liar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b'{"status": "sent"}'
        kind = self.path.strip("/")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.close_connection = True
        if kind == "cut":
            self.send_header("Content-Length", str(len(body) + 100))
        elif kind == "short":
            self.send_header("Content-Length", str(len(body) - 4))
        elif kind == "chunks":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"zz\r\n" + body
        elif kind == "types":
            body = b'{"status": ["sent"]}'
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Liar)
server.serve_forever()
