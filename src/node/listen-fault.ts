/** Why Pollhook cannot listen, in the form of CONTRACT §1: whether HOST or PORT is to blame is in the error alone. */

const ofHost = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']
const privilegedPorts = 1024

/** @returns one line: the variable, what is wrong with its value, an example */
export function listenFault(
  error: NodeJS.ErrnoException,
  { host, port }: { host: string; port: number },
): string {
  const { code = error.message, syscall } = error
  if (syscall === 'getaddrinfo') {
    return `HOST is ${JSON.stringify(host)}, a name without an address (${code}); for example HOST=127.0.0.1`
  }
  if (ofHost.includes(code)) {
    return `HOST is ${JSON.stringify(host)}, not an address of this machine (${code}); for example HOST=127.0.0.1`
  }
  if (code === 'EADDRINUSE') {
    const other = port === 65_535 ? port - 1 : port + 1
    return `PORT is ${port}, in use on ${host}: stop what listens there, or set another; for example PORT=${other}`
  }
  if (code === 'EACCES' && port < privilegedPorts) {
    return `PORT is ${port}, but ports below ${privilegedPorts} need privileges; for example PORT=8080`
  }
  return `PORT is ${port}, which cannot be used on ${host} (${code}); for example PORT=8080`
}
