# A step of the fault tests. It writes its own start and end into the ledger (one line each, O_APPEND), prints what
# generated-output.ts can make again, and ends as told. workload.ts makes the command:
#   ledger-step.pl LEDGER BYTES KIND PIECES PAUSE-MS FAIL-TRIES
# It prints BYTES in PIECES with a pause after each, and fails with exit code 3 in its first FAIL-TRIES tries and on the
# targets of LEDGER_FAIL_ON, but not in an execution that goes on from a failed one (its seed is a file in LEDGER.again).
# With LEDGER_GIVES it gives out a token; what it was given (LEDGER_GIVEN) stands in the line of its start.
use strict;
use warnings;
use Digest::SHA qw(sha512);
use Errno qw(EINTR);
use Fcntl qw(O_WRONLY O_APPEND O_CREAT);
use POSIX ();
use Time::HiRes qw(sleep time);

my ($ledger, $bytes, $kind, $pieces, $pause, $fail) = @ARGV;
my $told = 0;
$SIG{TERM} = sub { $told = 1 };
$SIG{PIPE} = 'IGNORE';

my ($assignment) = split m{/}, $ENV{OC_IDEMPOTENCY_KEY};
my @who = (
  "execution=$ENV{OC_EXECUTION_ID}", "assignment=$assignment", "step=$ENV{OC_STEP_ID}", "target=$ENV{OC_TARGET_NAME}",
  "attempt=$ENV{OC_ATTEMPT}", "fence=$ENV{OC_FENCE}", "try=$ENV{OC_TRY}", "pid=$$",
);
note('start', @who, sprintf('at=%.3f', time), defined $ENV{LEDGER_GIVEN} ? "given=$ENV{LEDGER_GIVEN}" : ());

my $sha = Digest::SHA->new(256);
my ($printed, $index, $buffer) = (0, 0, '');
my $seed = join '/', $ENV{INPUT_SEED}, (defined $ENV{LEDGER_ITEM} ? $ENV{LEDGER_ITEM} : ()), $ENV{OC_STEP_ID}, $ENV{OC_TARGET_NAME}, $ENV{OC_TRY};
for my $piece (1 .. $pieces) {
  my $until = $piece == $pieces ? $bytes : int($bytes * $piece / $pieces);
  while ($printed < $until) {
    stop(143, 'TERM') if $told;
    $buffer .= block() while length($buffer) < 65536 && $printed + length($buffer) < $until;
    my $want = $until - $printed < length($buffer) ? $until - $printed : length($buffer);
    my $wrote = syswrite STDOUT, $buffer, $want;
    if (!defined $wrote) { next if $! == EINTR; stop(74, 'EPIPE') }
    $sha->add(substr $buffer, 0, $wrote, '');
    $printed += $wrote;
  }
  my $end = time + $pause / 1000;
  while (!$told && (my $left = $end - time) > 0) { sleep $left }
  stop(143, 'TERM') if $told;
}
my $fails = $ENV{OC_TRY} <= $fail || grep { $_ eq $ENV{OC_TARGET_NAME} } split /,/, $ENV{LEDGER_FAIL_ON} // '';
$fails = 0 if -e "$ledger.again/$ENV{INPUT_SEED}";
give("token=$ENV{INPUT_SEED}.$ENV{OC_STEP_ID}") if $ENV{LEDGER_GIVES} && !$fails;
stop($fails ? 3 : 0, '-');

sub block {
  my $digest = sha512("$seed/$index");
  my $text = $kind eq 'binary' ? $digest : unpack('H*', $digest) . ($kind eq 'crlf' ? "\r\n" : "\n");
  $text = "line $index $text" if $kind eq 'text';
  $index++;
  return $text;
}

sub give {
  my ($line) = @_;
  open my $file, '>>', $ENV{OC_OUTPUT} or die "outputs: $!";
  print $file "$line\n" or die "outputs: $!";
  close $file or die "outputs: $!";
}

sub stop {
  my ($code, $signal) = @_;
  # What it says of its end comes true: exit would give TERM its own meaning back on the way out, one in ten dies of it.
  $SIG{TERM} = 'IGNORE';
  note('end', @who, "exit=$code", "signal=$signal", "bytes=$printed", 'sha256=' . $sha->hexdigest, sprintf('at=%.3f', time));
  POSIX::_exit($code);
}

sub note {
  my $line = join(' ', @_) . "\n";
  sysopen my $file, $ledger, O_WRONLY | O_APPEND | O_CREAT, 0666 or die "ledger: $!";
  (syswrite($file, $line) // -1) == length $line or die "ledger: $!";
  close $file;
}
