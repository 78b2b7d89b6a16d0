// Which new passwords are refused and why (OWASP ASVS 5, 6.2): length, well-known ones, the user's own name. Pure.

const known = new Set(
  `password123456 passwordpassword password1234 password12345 123456789012 1234567890123 12345678901234
  1234567890123456 0123456789012 012345678901 qwertyuiopas qwertyuiop123 qwertyuiop1234 qwerty123456 qwertyqwerty
  1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc 1qaz2wsx3edc4rfv qazwsxedcrfv zaq12wsxcde3 abcdefghijkl abcdefghijklm
  abc123abc123 abcd1234abcd iloveyouiloveyou letmeinletmein welcome12345 welcomewelcome changeme1234
  changemechangeme changemeplease pleasechangeme administrator administrator1 adminadminadmin admin1234567
  admin123456789 rootrootroot rootpassword adminpassword adminadmin123 superadministrator opsconductor
  opsconductor1 opsconductor123 opsconductoradmin secretsecret supersecret123 topsecret1234 trustno1trustno1
  monkeymonkey dragondragon footballfootball baseballbaseball sunshinesunshine princessprincess masterpassword
  correcthorsebatterystaple p@ssw0rd1234 p@ssword1234 passw0rd1234 p@ssw0rdp@ssw0rd`.split(/\s+/),
);

/** Why `password` is refused, or undefined. The minimum length is in the request's schema as well. */
export function passwordProblem(password: string, username: string): string | undefined {
  const lower = password.toLowerCase();
  if ([...password].length < 12) return "at least 12 characters";
  if (known.has(lower)) return "this password is on every attacker's list: choose another";
  if (isRepetitive(lower)) return "more than a few different characters, please";
  if (lower.includes(username.toLowerCase()) && [...password].length - username.length < 8)
    return "it must not be made of the user name";
  return undefined;
}

/** One to three characters over and over, or a run up or down the alphabet or the digits. */
function isRepetitive(text: string): boolean {
  if (new Set(text).size <= 3) return true;
  const steps = [...text].slice(1).map((c, i) => c.codePointAt(0)! - text.codePointAt(i)!);
  return steps.every((s) => s === steps[0]);
}
