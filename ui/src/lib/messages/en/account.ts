// Sign-in.

export const account = {
  login: {
    title: "Sign in",
    heading: "Sign in to OpsConductor",
    username: "User name",
    password: "Password",
    showPassword: "Show password",
    hidePassword: "Hide password",
    submit: "Sign in",
    submitting: "Signing in…",
    wrong: "User name or password is wrong.",
    usernameMissing: "Enter your user name.",
    passwordMissing: "Enter your password.",
    firstTime: "First time here?",
    firstTimeText: "The controller printed the user name and password of the administrator when it started.",
    ended: "Your session has ended. Sign in again to go on.",
    capsLock: "Caps Lock is on.",
  },
};
