# The supervisor of one try of a step: it outlives the agent. spawn-supervisor.ts starts it as the leader of a session
# of its own, in the try's folder, with the step's environment; try-records.ts reads what it writes there:
#   claim  who runs this spawn. Made exclusively, so there is at most one; whole only with its last word, `end`.
#   head   the first HEAD bytes of stdout and stderr, merged in the order written, as they come
#   tail   the last TAIL bytes, only when the step wrote more than HEAD
#   code   the command is over: its status, when, why it was told to stop, what the shell said about a signal
#   exit   the output is complete too: raw bytes in head, raw bytes after it, code. Whole only with `end`.
# Arguments: HEAD TAIL BOOT-ID CGROUP-FOLDER-OR-EMPTY MARK WORKING-DIRECTORY COMMAND [ARGUMENT …]
#
# Environment: the step's; OC_SUPERVISOR is the mark of what belongs to us, OC_PROCESS_MARK of what belongs to the step,
# OC_STEP_PATH the step's PATH (our own tools are found with ours).
#
# Only builtins stand between start and exit, but for one dd that starts beside the command. Measured on two shared
# cores with `true` (p50): claim 2.3 ms and exit record 4.8 ms after the spawn began, where a bare spawn of `true` takes
# 2.1 ms; each further process on the way (ln, setsid, mv) would add 0.6 to 1.9 ms.
umask 077
# Stopping a step is TERM to the whole group: what belongs to the supervisor ignores it, the command does not.
trap '' HUP INT QUIT TERM
head=$1 tail=$2 boot=$3 cgroup=$4 mark=$5 dir=$6
shift 6

# Exclusive create is the race with an agent that gives this spawn up. Nothing ran unless the line is whole.
claim() {
  start=0
  if [ -r /proc/$$/stat ]; then
    read -r stat </proc/$$/stat
    started ${stat##*) }
  fi
  set -C
  echo "1 $boot $$ $start end" 2>/dev/null >claim || exit 75
  set +C
}
started() { start=${20}; }

command() (
  exec 2>&1
  trap - HUP INT QUIT TERM
  [ -z "$cgroup" ] || echo 0 2>/dev/null >"$cgroup/cgroup.procs"
  OC_PROCESS_MARK=$mark PATH=$OC_STEP_PATH
  export OC_PROCESS_MARK PATH
  unset OC_SUPERVISOR OC_STEP_PATH
  umask 022
  cd "$dir" && unset OLDPWD && exec "$@"
)

# A shell cannot tell `exit 137` from SIGKILL by the status; what it prints about a signal goes to `word`.
supervise() {
  command "$@"
  status=$? up=0 why=- word=
  [ ! -r /proc/uptime ] || read -r up _ </proc/uptime
  [ ! -e kill ] || read -r why _ <kill
  read -r word <word
  echo "$status $up $why $word" >code
} 2>word

# `head -c` holds back what it has read until it has 4 KiB, so dd copies block by block: a dd that read fewer blocks
# than asked has seen the end. Its third line counts bytes.
capper() {
  kept=0 more=0 full=
  while [ "$kept" -lt "$head" ]; do
    left=$((head - kept)) block=4096
    [ "$left" -ge "$block" ] || block=$left
    count=$((left / block))
    LC_ALL=C dd bs="$block" count="$count" 2>dd >>head || full=1
    counted
    kept=$((kept + bytes))
    [ "$blocks" -ge "$count" ] && [ -z "$full" ] || break
  done
  # Also when the disk is full: the pipe is read to its end, or the step would die of it.
  if [ "$kept" -ge "$head" ] || [ -n "$full" ]; then
    LC_ALL=C dd bs=65536 2>dd | tail -c "$tail" >tail
    counted
    more=$bytes
  fi
  # The other side holds the pipe until it has written `code`. Without one nothing was started here, or nobody knows.
  read -r code <code || exit
  # A full disk is waited for: the outcome is not lost while this process lives.
  until echo "1 $kept $more $code
end" >exit; do sleep 1; done
} 2>/dev/null

counted() {
  bytes=0
  {
    while read -r in rest; do [ "$rest" != "records in" ] || break; done
    read -r _
    read -r bytes _
  } <dd
  case $in in *+*) ;; *) in=0+0 ;; esac
  blocks=$((${in%+*} + ${in#*+})) bytes=${bytes:-0}
}

claim
supervise "$@" </dev/null | capper
