// Whether this browser can use passkeys at this address: over TLS or on localhost, never at a bare address over http.

export function passkeysPossible(): boolean {
  return window.isSecureContext && typeof window.PublicKeyCredential === "function";
}
