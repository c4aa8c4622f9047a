# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, spoken to by the DevTools protocol over a pipe: no port, no library.

As a program it takes pictures of a page, as .png or .webp:
browser.py PAGE OUT [--width N] [--height N] [--whole] [--dark] [--script JS]
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile


class Browser:
    """One page in a browser of its own. What the page complains of is in .complaints."""

    def __init__(self, width=1280, height=900):
        self.folder = tempfile.mkdtemp(prefix="browser.")
        down_read, self.to = os.pipe()
        self.back, up_write = os.pipe()
        program = shutil.which("chromium") or "chromium"

        def descriptors():
            spare = [os.dup(down_read), os.dup(up_write)]
            spare = [fd if fd > 4 else os.dup(fd) for fd in spare]
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        # Tests are root's, whom Chromium's sandbox refuses; no name leads anywhere, so a request would be an error.
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking",
             "--force-color-profile=srgb", "--host-resolver-rules=MAP * ~NOTFOUND",
             f"--user-data-dir={self.folder}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=descriptors, close_fds=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.folder, "XDG_CONFIG_HOME": self.folder, "XDG_CACHE_HOME": self.folder})
        os.close(down_read)
        os.close(up_write)
        self.rest, self.number, self.session = b"", 0, None
        self.complaints, self.requests, self.events = [], [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        self.size(width, height)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    # ---- the protocol
    def read(self):
        while b"\0" not in self.rest:
            more = os.read(self.back, 1 << 20)
            if not more:
                raise RuntimeError("the browser is gone")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def note(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:2000])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append("console: " + json.dumps(params["args"])[:500])
        elif method == "Log.entryAdded":
            self.complaints.append("log: " + params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        self.events.append(method)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    # ---- the page
    def open(self, path):
        self.events.clear()
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        while "Page.loadEventFired" not in self.events:
            self.note(self.read())

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)

    def media(self, **features):
        """prefers_color_scheme="dark", prefers_reduced_motion="reduce"; kind="print"."""
        kind = features.pop("kind", "")
        self.call("Emulation.setEmulatedMedia", media=kind,
                  features=[{"name": k.replace("_", "-"), "value": v} for k, v in features.items()])

    def run(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def key(self, name):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "Home": 36, "End": 35, "ArrowLeft": 37, "ArrowUp": 38,
                 "ArrowRight": 39, "ArrowDown": 40, " ": 32}
        text = {"Enter": "\r", " ": " "}.get(name)
        event = {"key": name, "code": name, "windowsVirtualKeyCode": codes[name]}
        if text:
            event["text"] = text
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def picture(self, path, whole=False):
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        answer = self.call("Page.captureScreenshot", format=path.rsplit(".", 1)[1], captureBeyondViewport=whole)
        with open(path, "wb") as f:
            f.write(base64.b64decode(answer["data"]))


def main():
    args = sys.argv[1:]
    value = lambda name, other: args[args.index(name) + 1] if name in args else other
    with Browser(int(value("--width", 1280)), int(value("--height", 900))) as b:
        b.media(prefers_color_scheme="dark" if "--dark" in args else "light", prefers_reduced_motion="reduce")
        b.open(args[0])
        if "--script" in args:
            print(b.run(value("--script", "")))
        b.picture(args[1], "--whole" in args)
        for c in b.complaints:
            print(c)


if __name__ == "__main__":
    main()
