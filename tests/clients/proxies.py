# SPDX-License-Identifier: Apache-2.0
"""nginx and haproxy in front of a server, with the configurations that the documentation gives."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request

from serving import ROOT, free_port, tool


def block_of(page, language, number=0):
    """The text of a fenced block of a page of docs/how_to."""
    text = (ROOT / "docs" / "how_to" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[number]


class Proxy:
    """A proxy process in the foreground, with its files in a directory of its own."""

    def __init__(self, upstream):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tenon_proxy_"))
        self.directory.chmod(0o755)  # nginx's workers are another user when it was started by root
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self.log = open(self.directory / "output.log", "wb")
        self.process = subprocess.Popen(self.command(upstream), stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.probe()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.process.kill()
                    raise RuntimeError((self.directory / "output.log").read_text()) from None
                time.sleep(0.05)

    def probe(self):
        urllib.request.urlopen(self.url + "/health", timeout=5).read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Nginx(Proxy):
    """docs/how_to/behind_nginx.md: its server block, here without TLS unless `tls`."""

    def __init__(self, upstream, tls=False):
        self.tls = tls
        super().__init__(upstream)

    def command(self, upstream):
        text = block_of("behind_nginx.md", "nginx").replace("127.0.0.1:8000", upstream)
        if self.tls:
            self.certificate = self.directory / "certificate.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", self.directory / "key.pem", "-out", self.certificate],
                           check=True, capture_output=True)
            text = text.replace("listen 443 ssl http2;", f"listen {self.host} ssl http2;")
            text = re.sub(r"ssl_certificate +\S+;", f"ssl_certificate {self.certificate};", text)
            text = re.sub(r"ssl_certificate_key +\S+;", f"ssl_certificate_key {self.directory}/key.pem;", text)
            self.url = f"https://{self.host}"
        else:
            text = text.replace("listen 443 ssl http2;", f"listen {self.host};")
            text = re.sub(r"^ *ssl_.*\n", "", text, flags=re.MULTILINE)
        paths = "".join(f"{kind}_temp_path {self.directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.directory / "nginx.conf").write_text(
            f"daemon off; worker_processes 2; pid {self.directory}/pid; error_log stderr warn;\n"
            f"events {{ worker_connections 4096; }}\nhttp {{ access_log off; {paths}\n{text}\n}}\n")
        return [tool("nginx"), "-p", self.directory, "-e", "stderr", "-c", self.directory / "nginx.conf"]

    def probe(self):
        import ssl
        context = ssl.create_default_context(cafile=self.certificate) if self.tls else None
        urllib.request.urlopen(self.url + "/health", timeout=5, context=context).read()


class Haproxy(Proxy):
    """docs/how_to/behind_nginx.md, the same for haproxy."""

    def command(self, upstream):
        text = block_of("behind_nginx.md", "haproxy").replace("127.0.0.1:8000", upstream)
        text = re.sub(r"bind .*", f"bind {self.host}", text)
        (self.directory / "haproxy.cfg").write_text(f"global\n    maxconn 8192\n    log stdout format raw daemon err\n{text}\n")
        return [tool("haproxy"), "-db", "-f", self.directory / "haproxy.cfg"]
