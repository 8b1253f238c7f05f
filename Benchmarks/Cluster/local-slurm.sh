#!/bin/sh
# A real Slurm of four nodes on this host, all of it below one folder: nothing of the system's configuration is touched.
#
#   local-slurm.sh start FOLDER    starts munged, slurmctld and four slurmd; prints what to put into the environment
#   local-slurm.sh kill  FOLDER N  ends node N as a power cut does, with all that runs on it
#   local-slurm.sh stop  FOLDER    ends everything
set -eu
order=$1
folder=$(mkdir -p "$2" && cd "$2" && pwd)
host=$(hostname -s)
user=$(id -un)

started() { # $1: what is waited for, $2: the log that tells why not; then the command
  what=$1 log=$2
  shift 2
  for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
  echo "$what did not start within 10 s; see $log" >&2
  tail -n 5 "$log" >&2
  exit 1
}

# Ends what runs on a node: a task says in its environment where it runs, and its session is its step's.
end_tasks() { # $1: the node
  for environ in /proc/[0-9]*/environ; do
    grep -qzsx "SLURMD_NODENAME=$1" "$environ" && grep -qzsx "SLURM_CONF=$folder/slurm.conf" "$environ" || continue
    pid=${environ#/proc/}
    session=$(ps -o sid= -p "${pid%/environ}" | tr -d ' ')
    test -z "$session" || pkill -KILL -s "$session" || true
  done
}

case $order in
start)
  cd "$folder"
  mkdir -p state spool logs
  chmod 755 .
  head -c 1024 /dev/urandom >munge.key
  chmod 600 munge.key
  port=$((20000 + $$ % 20000))
  cat >slurm.conf <<CONF
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/logs/slurmctld.log
SlurmdLogFile=$folder/logs/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SlurmdTimeout=10
InactiveLimit=0
KillWait=2
MinJobAge=3600
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/completed.txt
NodeName=n[1-4] NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1))-$((port + 4)) CPUs=1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
    --seed-file="$folder/munge.seed" --log-file="$folder/logs/munged.log"
  export SLURM_CONF="$folder/slurm.conf"
  slurmctld -f "$SLURM_CONF"
  for node in 1 2 3 4; do mkdir -p "spool/n$node"; slurmd -f "$SLURM_CONF" -N "n$node"; done
  started "the cluster" logs/slurmctld.log sh -c 'test "$(sinfo -h -t idle -o %D)" = 4'
  echo "export SLURM_CONF=$folder/slurm.conf"
  ;;
kill)
  kill -KILL "$(cat "$folder/n$3.pid")"
  end_tasks "n$3"
  rm -f "$folder/n$3.pid"
  ;;
stop)
  for pid in "$folder"/*.pid; do
    test ! -e "$pid" || kill -KILL "$(cat "$pid")" 2>/dev/null || true
    rm -f "$pid"
  done
  for node in n1 n2 n3 n4; do end_tasks "$node"; done
  ;;
*)
  echo "local-slurm.sh $order: no such order, expected start, kill or stop" >&2
  exit 64
  ;;
esac
