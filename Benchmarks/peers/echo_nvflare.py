"""Echo rounds in NVFlare: provisioned kits with mutual TLS, its own FedAvg, a NumPy executor at each site.

usage: echo_nvflare.py MB SITES ROUNDS [http|tcp|grpc]

The scheme is http, the default, unless named. Programs are started as the kits' sub_start.sh does, without its loop.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import rounds as R

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = """api_version: 3
name: echo
description: echo rounds
participants:
  - {{name: localhost, type: server, org: echo, fed_learn_port: 8002}}
{sites}  - {{name: admin@echo.org, type: admin, org: echo, role: project_admin}}
builders:
  - path: nvflare.lighter.impl.workspace.WorkspaceBuilder
    args: {{template_file: [master_template.yml]}}
  - path: nvflare.lighter.impl.static_file.StaticFileBuilder
    args: {{config_folder: config, scheme: {scheme}}}
  - path: nvflare.lighter.impl.cert.CertBuilder
  - path: nvflare.lighter.impl.signature.SignatureBuilder
"""


def job(folder, tensors, count, rounds, names, events):
    """The job's folder: FedAvg with our clock at the server, the executor at the sites."""
    app = os.path.join(folder, "job", "app")
    shutil.copytree(os.path.join(HERE, "nvflare_app"), os.path.join(app, "custom"),
                    ignore=shutil.ignore_patterns("__pycache__"))
    os.makedirs(os.path.join(app, "config"))
    common = {"format_version": 2, "task_data_filters": [], "task_result_filters": [], "components": []}
    files = {
        "../meta.json": {"name": "echo", "resource_spec": {}, "min_clients": len(names),
                         "deploy_map": {"app": ["@ALL"]}},
        "config/config_fed_server.json": common | {"workflows": [{
            "id": "controller", "path": "echo_controller.EchoFedAvg",
            "args": {"tensors": tensors, "count": count, "events": events, "num_clients": len(names),
                     "num_rounds": rounds}}]},
        "config/config_fed_client.json": common | {"executors": [
            {"tasks": ["train"], "executor": {"path": "echo_executor.EchoExecutor", "args": {}}}]},
    }
    for name, content in files.items():
        with open(os.path.join(app, name), "w") as file:
            json.dump(content, file)


def main():
    megabytes, sites, rounds, tensors, count = R.arguments()
    scheme = sys.argv[4] if len(sys.argv) > 4 else "http"
    folder = tempfile.mkdtemp(prefix="echo-nvflare-")
    programs = os.path.dirname(sys.executable)
    env = R.environment(folder)
    names = [f"site-{i + 1}" for i in range(sites)]

    def nvflare(*command, tries=1):
        for left in reversed(range(tries)):
            done = subprocess.run([f"{programs}/nvflare", *command], env=env, cwd=folder, capture_output=True,
                                  text=True, timeout=180)
            if done.returncode == 0:
                return
            if left == 0:
                raise SystemExit(f"nvflare {command[0]} failed: {done.stdout}{done.stderr}")
            time.sleep(3)

    with open(os.path.join(folder, "project.yml"), "w") as file:
        lines = "".join(f"  - {{name: {name}, type: client, org: echo}}\n" for name in names)
        file.write(PROJECT.format(sites=lines, scheme=scheme))
    nvflare("provision", "-p", "project.yml", "-w", "kits", "--force")
    kits = os.path.join(folder, "kits", "echo", "prod_00")
    # Jobs and snapshots beside the rest rather than in a folder that all runs share.
    local = os.path.join(kits, "localhost", "local")
    with open(os.path.join(local, "resources.json.default")) as file:
        resources = file.read().replace("/tmp/nvflare", os.path.join(folder, "store"))
    with open(os.path.join(local, "resources.json"), "w") as file:
        file.write(resources)
    events = R.Events(os.path.join(folder, "events.jsonl"))
    job(folder, tensors, count, rounds, names, events.path)

    processes = R.Processes(folder)

    def start(name, kit, module, config, arenas, *options):
        return processes.start(name, [
            f"{programs}/python", "-u", "-m", module, "-m", os.path.join(kits, kit), "-s", config, "--set",
            "secure_train=true", *options, "org=echo", "config_folder=config"], env | {"MALLOC_ARENA_MAX": arenas})

    try:
        server = start("server", "localhost", "nvflare.private.fed.app.server.server_train", "fed_server.json", "4")
        for _ in range(600):
            try:
                socket.create_connection(("localhost", 8002), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        for name in names:
            start(name, name, "nvflare.private.fed.app.client.client_train", "fed_client.json", "2", f"uid={name}")
        end = time.monotonic() + 180
        while time.monotonic() < end and not all("registered client" in processes.log(name) for name in names):
            time.sleep(0.3)
        nvflare("--connect-timeout", "20", "job", "submit", "-j", os.path.join(folder, "job"), "--startup-kit",
                os.path.join(kits, "admin@echo.org"), tries=5)

        def failed():
            if server.poll() is not None:
                return "the server ended"
            ended = re.search(r"FINISHED:(EXECUTION_EXCEPTION|ABORTED)", processes.log("server"))
            return ended and f"the job ended: {ended.group(0)}; see {folder}"

        limit = 300 + rounds * sites * megabytes // 5
        seconds, processor = R.follow(processes, events, rounds, limit, failed)
        R.report(processes, "server", names, seconds, processor, megabytes)
    finally:
        processes.end()


if __name__ == "__main__":
    main()
