# The supervisor of one try of a step: it outlives the agent. supervisor.ts starts it as the leader of a session of its
# own, in the try's folder, often before there is a try: it waits for one line on stdin. try-records.ts reads what it
# writes:
#   claim  who runs this spawn. Made exclusively, so there is at most one; whole only with its last word, `end`.
#   head   the first HEAD bytes of stdout and stderr, merged in the order written, as they come
#   tail   the last TAIL bytes, only when the step wrote more than HEAD
#   code   the command is over: its status, when, why it was told to stop, what the shell said about a signal
#   exit   the output is complete too: raw bytes in head, raw bytes after them, code. Whole only with `end`.
# Arguments: BOOT-ID FIRST, how much of the output may be kept before HEAD is known.
# The line: HEAD TAIL CGROUP-FOLDER-OR-EMPTY; then the file `job` says what to run. Without the whole line, because the
# agent is gone or needs no supervisor, nothing is claimed and nothing stays.
#
# Environment: OC_SUPERVISOR is the mark of what belongs to us, OC_PROCESS_MARK (of `job`) of what belongs to the step.
#
# Everything that can be done before the line is: between the line and the exit record stand three new files, one fork
# and the command itself. Each further process on the way would add 0.6 to 1.9 ms on two shared cores.
umask 077
# Stopping a step is TERM to the whole group: what belongs to the supervisor ignores it, the command does not.
trap '' HUP INT QUIT TERM
boot=$1 first=$2 start=0

identify() {
  [ ! -r /proc/$$/stat ] || read -r stat </proc/$$/stat
  [ ! -r /proc/$$/stat ] || started ${stat##*) }
}
started() { start=${20}; }

# Exclusive create is the race with an agent that gives this spawn up. Nothing ran unless the line is whole.
claim() {
  set -C
  echo "1 $boot $$ $start $head $tail end" 2>/dev/null >claim || exit 75
  set +C
}

# `job` brings the step's environment and ends with exec: nothing of it is seen by the rest of this script.
command() (
  exec 2>&1 </dev/null
  trap - HUP INT QUIT TERM
  [ -z "$cgroup" ] || echo 0 2>/dev/null >"$cgroup/cgroup.procs"
  unset OC_SUPERVISOR
  umask 022
  . ./job
)

# A shell cannot tell `exit 137` from SIGKILL by the status; what it prints about a signal goes to `word`.
supervise() {
  identify
  read -r head tail cgroup || exit
  claim
  command
  status=$? up=0 why=- word=
  [ ! -r /proc/uptime ] || read -r up _ </proc/uptime
  [ ! -e kill ] || read -r why _ <kill
  read -r word <word
  # A full disk is waited for here and below: the outcome is not lost while this process lives.
  until echo "$status $up $why $word" >code; do sleep 1; done
} 2>word

# `head -c` holds back what it has read until it has 4 KiB, so dd copies block by block: a dd that read fewer blocks
# than asked has seen the end.
capper() {
  kept=0 full= head=$first
  while [ "$kept" -lt "$head" ]; do
    left=$((head - kept)) block=4096
    [ "$left" -ge "$block" ] || block=$left
    count=$((left / block)) bytes=0 blocks=0
    LC_ALL=C dd bs="$block" count="$count" 2>dd.$$ >>head && counted <dd.$$ || full=1
    kept=$((kept + bytes))
    claimed
    [ "$blocks" -ge "$count" ] && [ -z "$full" ] || break
  done
  # Also when the disk is full: the pipe is read to its end, or the step would die of it. A tail is whole or not there.
  if [ "$kept" -ge "$head" ] || [ -n "$full" ]; then tail -c "$tail" >tail || : >tail; fi
  # The other side holds the pipe until it has written `code`. Without one nobody knows how it ended.
  read -r code <code || exit
  counted <total || bytes=$kept
  until echo "1 $kept $((bytes - kept)) $code
end" >exit; do sleep 1; done
} 2>/dev/null

# Without a claim of ours nothing was started here, and there is nothing to tell.
claimed() {
  read -r _ _ owner _ head tail _ <claim && [ "$owner" = $$ ] || exit
}

# What a dd has said at its end: how many blocks it read, how many bytes it wrote. It may have had no space to say it.
counted() {
  while read -r in rest; do [ "$rest" != "records in" ] || break; done
  read -r _
  read -r bytes _ && [ -n "$bytes" ] && blocks=$((${in%+*} + ${in#*+}))
}

# Between them every byte is counted, also what the capper has read and cannot write. A dd lets go of its output before it
# says what it copied, so a shell holds that until then; and it says it into a block of the disk that is ours already.
count() {
  LC_ALL=C dd bs=65536 2<>total
  :
}
echo "                                                                                                        " >total
supervise | count | capper
