"""A web server of odd answers on a free port of this machine. It writes the port to standard output and ends with its standard input."""

import http.server
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/redirect":
            self.answer(302, b"", [("Location", "/jwks")])
        elif self.path == "/missing":
            self.answer(404, b'{"keys":[]}')
        elif self.path == "/large":
            self.answer(200, b'{"keys":[' + b" " * 300_000 + b"]}")
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * 65536)
            except OSError:
                pass
        elif self.path == "/slow":
            time.sleep(20)
        else:
            self.answer(200, b'{"keys":[]}')

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
