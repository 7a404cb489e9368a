#!/usr/bin/env python3
"""Real traffic between two network namespaces that nothing leaves, as nfdump's CSV.

Run as root under `unshare -n`; the argument is an empty folder. Outside is 203.0.113.0/24, inside 10.9.0.5. A flash crowd
of 600 ordinary requests to port 80, a scan of 200 ports by nmap, 30 failed sign-ins at port 22 and a burst of 700 empty
connections to port 81, about ten seconds in all. What each phase began at stands in times.json, the records in flows.csv.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

work = Path(sys.argv[1])
INSIDE = "10.9.0.5"
started = []

# Whoever starts this may have blocked signals, by which the capture is ended.
signal.pthread_sigmask(signal.SIG_SETMASK, [])
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def start(*command):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started.append(process)
    return process


def serve():
    """Three services: pages, sign-ins that all fail, and one that waits for a request."""

    def each(port, answer):
        listener = socket.create_server((INSIDE, port), backlog=1024)
        while True:
            client, _ = listener.accept()
            threading.Thread(target=handle, args=(client, answer), daemon=True).start()

    def handle(client, answer):
        with client:
            client.settimeout(5)
            try:
                answer(client)
            except OSError:
                pass

    def page(client):
        if client.recv(4096):
            client.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000)
            client.shutdown(socket.SHUT_WR)
            client.recv(1)

    def refuse(client):
        client.sendall(b"login: ")
        client.recv(100)
        client.sendall(b"password: ")
        client.recv(100)
        client.sendall(b"Login incorrect\r\n")
        client.shutdown(socket.SHUT_WR)
        client.recv(1)

    for port, answer in ((80, page), (22, refuse), (81, page)):
        threading.Thread(target=each, args=(port, answer), daemon=True).start()
    time.sleep(60)


def crowd():
    def visit(number):
        for _ in range(12):
            with socket.create_connection((INSIDE, 80), 5, (f"203.0.113.{10 + number}", 0)) as client:
                client.sendall(b"GET /sale HTTP/1.0\r\nHost: shop.example\r\nUser-Agent: " + b"browser " * 20 + b"\r\n\r\n")
                while client.recv(65536):
                    pass

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def scan():
    run("timeout", "20", "nmap", "-n", "-Pn", "-sS", "-T4", "--max-retries", "1", "-p", "1000-1199", INSIDE)


def sign_in():
    for number in range(30):
        with socket.create_connection((INSIDE, 22), 5, ("203.0.113.2", 0)) as client:
            client.recv(100)
            client.sendall(b"root\r\n")
            client.recv(100)
            client.sendall(b"secret%02d\r\n" % number)
            while client.recv(100):
                pass


def burst():
    for _ in range(700):
        socket.create_connection((INSIDE, 81), 5, ("203.0.113.3", 0)).close()


if len(sys.argv) > 2:
    serve()
    sys.exit()

try:
    inside = start("unshare", "-n", "sleep", "60")
    time.sleep(0.5)
    enter = ("nsenter", "-t", str(inside.pid), "-n")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    run("ip", "link", "set", "v1", "netns", str(inside.pid))
    run("ip", "link", "set", "v0", "up")
    for host in (1, 2, 3, *range(10, 60)):
        run("ip", "addr", "add", f"203.0.113.{host}/24", "dev", "v0")
    run("ip", "route", "add", "10.9.0.0/24", "dev", "v0")
    run(*enter, "ip", "addr", "add", f"{INSIDE}/24", "dev", "v1")
    run(*enter, "ip", "link", "set", "v1", "up")
    run(*enter, "ip", "route", "add", "default", "dev", "v1")
    records = work / "nf"
    records.mkdir()
    capture = start("nfpcapd", "-i", "v0", "-w", str(records), "-t", "300")
    start(*enter, sys.executable, __file__, str(work), "serve")
    time.sleep(1.5)
    times = {}
    for name, phase in (("crowd", crowd), ("scan", scan), ("sign-in", sign_in), ("burst", burst)):
        times[name] = time.time()
        phase()
    time.sleep(1)
    capture.terminate()
    capture.wait(20)
    (work / "times.json").write_text(json.dumps(times))
    with open(work / "flows.csv", "wb") as csv:
        subprocess.run(
            ["nfdump", "-R", str(records), "-o", "csv"], check=True, stdout=csv, env={**os.environ, "TZ": "UTC"}
        )
finally:
    for process in started:
        process.kill()
        process.wait()
