"""Echo rounds in Flower: a SuperLink with TLS and node authentication, one SuperNode a site, all else as it comes.

usage: echo_flower.py MB SITES ROUNDS
"""
import os
import socket
import subprocess
import sys
import tempfile
import time

import rounds as R

HERE = os.path.dirname(os.path.abspath(__file__))


def certificates(folder, sites):
    """An authority, the server's certificate, and a key a node in OpenSSH's public form."""
    def run(*command):
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("openssl", "req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=echo", "-days", "2",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    run("openssl", "req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    with open(os.path.join(folder, "extensions"), "w") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    run("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", "extensions", "-out", "server.pem")
    for site in range(sites):
        run("ssh-keygen", "-q", "-t", "ecdsa", "-b", "384", "-N", "", "-C", "", "-f", f"node{site}")


def main():
    megabytes, sites, rounds, tensors, count = R.arguments()
    folder = tempfile.mkdtemp(prefix="echo-flower-")
    certificates(folder, sites)
    programs = os.path.dirname(sys.executable)
    env = R.environment(folder) | {
        "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1", "FLWR_HOME": os.path.join(folder, "home"),
    }
    os.makedirs(env["FLWR_HOME"])
    with open(os.path.join(env["FLWR_HOME"], "config.toml"), "w") as file:
        file.write('[superlink]\ndefault = "echo"\n[superlink.echo]\naddress = "127.0.0.1:8000"\n'
                   f'root-certificates = "{folder}/ca.pem"\n')
    server = ["--ssl-certfile", f"{folder}/server.pem", "--ssl-keyfile", f"{folder}/server.key",
              "--ssl-ca-certfile", f"{folder}/ca.pem"]

    def flwr(*command):
        done = subprocess.run([f"{programs}/flwr", *command], env=env, cwd=os.path.join(HERE, "flower_app"),
                              capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise SystemExit(f"flwr {command[0]} failed: {done.stdout}{done.stderr}")

    processes = R.Processes(folder)
    try:
        link = processes.start("superlink", [f"{programs}/flower-superlink", *server, "--enable-supernode-auth",
                                             "--host", "127.0.0.1", "--port", "8000"], env)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", 8000), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        names = [f"node{site}" for site in range(sites)]
        for site, name in enumerate(names):
            flwr("supernode", "register", f"{folder}/{name}.pub", "echo")
            own = env | {"FLWR_HOME": os.path.join(folder, "home-" + name)}
            os.makedirs(own["FLWR_HOME"])
            processes.start(name, [
                f"{programs}/flower-supernode", "--superlink", "127.0.0.1:8000", "--root-certificates",
                f"{folder}/ca.pem", "--auth-supernode-private-key", f"{folder}/{name}", "--host", "127.0.0.1",
                "--port", str(9100 + site), "--node-config", f"partition-id={site}", *server], own)
        events = R.Events(os.path.join(folder, "events.jsonl"))
        limit = 300 + rounds * sites * megabytes // 5
        flwr("run", ".", "echo", "--run-config",
             f'tensors={tensors} count={count} rounds={rounds} sites={sites} limit={limit}.0 events="{events.path}"')
        seconds, processor = R.follow(
            processes, events, rounds, limit, lambda: link.poll() is not None and "the SuperLink ended")
        R.report(processes, "superlink", names, seconds, processor, megabytes)
    finally:
        processes.end()


if __name__ == "__main__":
    main()
