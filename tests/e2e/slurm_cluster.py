# SPDX-License-Identifier: Apache-2.0
"""A Slurm cluster of a few nodes on one machine, without systemd: munged and slurmctld here, one slurmd in each of the
network namespaces of hosts.py, with processes, /tmp, host name and boot id of its own, so that a node can be lost
whole. All files lie in one temporary folder, which the nodes share. Needs root; SlurmCluster.refusal() says why it
cannot be had."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid

from hosts import Hosts, call
from stint_home import STINT, eventually

PROGRAMS = ("setpriv", "munged", "slurmctld", "slurmd", "sbatch", "scontrol", "scancel", "sinfo")
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")

CONFIGURATION = """\
ClusterName=stint
SlurmctldHost={host}({address})
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={folder}/munge/socket,cred_expire=60
StateSaveLocation={folder}/slurmctld
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/%n/spool
SlurmdPidFile={folder}/%n/pid
SlurmdLogFile={folder}/%n/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0
Epilog={folder}/epilog
JobRequeue=1
KillWait=2
ReturnToService=1
SlurmdTimeout=60
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

# Where the cluster has control groups, Slurm itself leaves nothing of a job behind; here this does: what carries the
# job in its environment, and what that has started.
EPILOG = """\
#!{python}
import os, pathlib, signal
mark = ("SLURM_JOB_ID=" + os.environ["SLURM_JOB_ID"]).encode()
ours, parents = set(), {{}}
for entry in pathlib.Path("/proc").iterdir():
    if entry.name.isdigit():
        try:
            name, rest = (entry / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            parents[int(entry.name)] = int(rest.split()[1])
            if not name.startswith("slurm") and mark in (entry / "environ").read_bytes().split(b"\\0"):
                ours.add(int(entry.name))
        except (OSError, IndexError):
            pass
ours.discard(os.getpid())
for pid in parents:
    line = []
    while pid in parents and pid not in ours:
        line.append(pid)
        pid = parents[pid]
    if pid in ours and os.getpid() not in line:
        ours.update(line)
for pid in ours:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""

# Of /tmp a node sees only what is shared. The first process of a node waits for all that become its children.
BECOME = """\
hostname "$1"; mount --bind "$2" /proc/sys/kernel/random/boot_id
tmp=$3; shift 3
while [ "$1" != -- ]; do
  mkdir -p "$tmp${1#/tmp}"; mount --bind "$1" "$tmp${1#/tmp}"; shift
done
shift
mount --rbind "$tmp" /tmp
"$@" &
wait
"""


# Before a daemon: it ends with the test, even if that is killed.
BOUND = ("setpriv", "--pdeathsig", "KILL")


class Node:
    def __init__(self, host, folder, shared):
        self.host, self.name, self.folder, self.shared = host, host.name, folder / host.name, shared
        (self.folder / "spool").mkdir(parents=True)
        (self.folder / "tmp").mkdir(mode=0o1777)
        self.process = None

    def start(self, environment):
        """Another boot each time."""
        boot = self.folder / "boot_id"
        boot.write_text(f"{uuid.uuid4()}\n")
        words = [*BOUND, "ip", "netns", "exec", self.host.space, "unshare", "--uts", "--mount", "--pid", "--fork",
                 "--mount-proc", "--kill-child", "sh", "-c", BECOME, self.name, self.name, boot, self.folder / "tmp",
                 *self.shared, "--", "slurmd", "-D", "-N", self.name]
        with open(self.folder / "said", "ab") as said:
            self.process = subprocess.Popen([*map(str, words)], env=environment, stdin=subprocess.DEVNULL, stdout=said,
                                            stderr=said, start_new_session=True)

    def call(self, *words):
        """Runs a command among the processes of the node."""
        first = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]
        call("nsenter", "--target", first, "--pid", "--mount", "--net", *words)

    def stop(self):
        """All its processes are killed."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class SlurmCluster:
    """Use as a context manager."""

    def __init__(self, count=3):
        self.hosts = Hosts(count)

    @staticmethod
    def refusal():
        """Why there can be no cluster here; empty: there can."""
        if refusal := Hosts.refusal():
            return refusal
        for program in PROGRAMS:
            if shutil.which(program) is None:
                return f"{program} is not installed (Debian: slurmctld, slurmd, slurm-client, munge)"
        return ""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stint-slurm-"))
        self.daemons, self.nodes, self.jobs = [], [], []
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SLURM", "SBATCH", "STINT_", "XDG_", "OMP_")) and name != "TMPDIR"}
        self.environment["SLURM_CONF"] = str(self.folder / "slurm.conf")
        try:
            self.start(self.hosts.__enter__())
        except BaseException:
            print(self.logs(), file=sys.stderr)
            self.__exit__()
            raise
        return self

    def start(self, hosts):
        self.folder.chmod(0o755)
        submit = self.submit_folder = self.folder / "submit"
        for folder in (submit, self.folder / "slurmctld"):
            folder.mkdir()
        address = hosts[0].address.rsplit(".", 1)[0] + ".254"
        call("ip", "address", "add", f"{address}/24", "dev", f"{self.hosts.mark}br")
        shared = [folder for folder in (self.folder, pathlib.Path(STINT).resolve().parent.parent)
                  if folder.is_relative_to("/tmp")]
        self.nodes = [Node(host, self.folder, shared) for host in hosts]
        with socket.socket() as probe:
            probe.bind((address, 0))
            port = probe.getsockname()[1]
        lines = [f"NodeName={node.name} CPUs=4 NodeAddr={node.host.address} State=UNKNOWN" for node in self.nodes]
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(
            host=socket.gethostname().split(".")[0], address=address, port=port, folder=self.folder, nodes="\n".join(lines)))
        # slurmd does not use control groups here, but looks for the newest kind that there is.
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        epilog = self.folder / "epilog"
        epilog.write_text(EPILOG.format(python=sys.executable))
        epilog.chmod(0o755)
        self.start_munge()
        self.daemons.append(self.daemon("slurmctld", "-D"))
        for node in self.nodes:
            node.start(self.environment)
        eventually(30, "all nodes are idle", lambda: set(self.node_states().values()) == {"idle"})

    def start_munge(self):
        folder = self.folder / "munge"
        folder.mkdir(mode=0o755)
        key = folder / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        self.daemons.append(self.daemon(
            "munged", "--foreground", "--force", f"--socket={folder}/socket", f"--key-file={key}",
            f"--log-file={folder}/log", f"--pid-file={folder}/pid", f"--seed-file={folder}/seed"))
        eventually(10, "munged listens", (folder / "socket").exists)

    def daemon(self, *words):
        with open(self.folder / f"{words[0]}.said", "ab") as said:
            return subprocess.Popen([*BOUND, *words], env=self.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                    start_new_session=True)

    def __exit__(self, *_):
        for node in self.nodes:
            node.stop()
        for daemon in reversed(self.daemons):
            daemon.kill()
            daemon.wait()
        self.hosts.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def logs(self):
        """What the daemons said last, for a test that fails."""
        files = [*self.folder.glob("*.said"), *self.folder.glob("*.log"), *self.folder.glob("node*/*.log")]
        return "\n".join(f"== {file}\n" + file.read_text(errors="replace")[-3000:] for file in files)

    def call(self, *words, check=True, **more):
        """Runs one of Slurm's programs, in the folder from which jobs are submitted; returns what it printed."""
        done = subprocess.run([*map(str, words)], env={**self.environment, **more}, cwd=self.submit_folder,
                              capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout

    def submit(self, script, *arguments, options=(), **environment):
        """Submits a script; `options` are sbatch's. Returns the id of the job."""
        job = self.call("sbatch", "--parsable", *options, script, *arguments, **environment).strip()
        self.jobs.append(job)
        return job

    def job(self, job):
        """What scontrol says of a job: JobState, Restarts, ExitCode, NodeList, …"""
        line = self.call("scontrol", "show", "job", "--oneliner", job).splitlines()[0]
        return dict(re.findall(r"(\S+?)=(\S*)", line))

    def state(self, job):
        return self.job(job)["JobState"]

    def restarts(self, job):
        return int(self.job(job)["Restarts"])

    def wait_for(self, job, states=ENDED, seconds=60, restarts=0):
        """Waits until the job is in one of the states, having been requeued so often at least; returns the state. A job
        that was requeued starts soon, not when its old credential has run out: in another second than it ended in, or
        its node takes it for the one that has ended."""
        seen, hastened = {}, set()

        def reached():
            seen.update(self.job(job))
            if seen["JobState"] == "PENDING" and seen["Reason"] == "BeginTime" and seen["Restarts"] not in hastened:
                hastened.add(seen["Restarts"])
                self.call("scontrol", "update", f"JobId={job}", "StartTime=now+2", check=False)
            return seen["JobState"] in states and int(seen["Restarts"]) >= restarts

        try:
            eventually(seconds, f"job {job} is {' or '.join(states)}", reached)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{seen}\n{self.output(job)}\n{self.logs()}") from None
        return seen["JobState"]

    def output(self, job):
        """What the job printed."""
        file = pathlib.Path(self.job(job)["StdOut"])
        return file.read_text(errors="replace") if file.exists() else ""

    def cancel(self, job, *options):
        self.call("scancel", *options, job)

    def end_jobs(self):
        """Whatever still runs of what was submitted here, ended for good."""
        for job in self.jobs:
            self.call("scancel", "--quiet", job, check=False)
        for job in self.jobs:
            self.wait_for(job)
        self.jobs.clear()

    def requeue(self, job):
        self.call("scontrol", "requeue", job)

    def node_states(self):
        return dict(line.split() for line in self.call("sinfo", "-h", "-N", "-o", "%N %T", check=False).splitlines())

    def lose(self, name):
        """A node is lost: its processes are killed, its link is cut, and Slurm learns of it."""
        node = self.node(name)
        node.host.cut()
        node.stop()
        self.call("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=lost")

    def bring_back(self, name):
        """The node boots, and takes jobs again."""
        node = self.node(name)
        node.host.join()
        node.start(self.environment)
        self.call("scontrol", "update", f"NodeName={name}", "State=RESUME")
        eventually(30, f"{name} is idle", lambda: self.node_states()[name] == "idle")

    def node(self, name):
        return next(node for node in self.nodes if node.name == name)
