/** Bad usage or something wrong on this machine. */
export const EXIT_USER = 1;
/** The server refused or could not be reached. */
export const EXIT_SERVER = 2;

/** Ends a command with a message on stderr and an exit code. */
export class Failure extends Error {
  override readonly name = "Failure";
  constructor(
    message: string,
    readonly exitCode: number = EXIT_USER,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
