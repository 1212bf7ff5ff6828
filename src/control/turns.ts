// Whose command comes next: a few a turn of the event loop, so that who sends thousands at once, or asks what takes long, leaves room
// between them for whoever connects. A connection's first command goes before all later ones. What several in the line have asked
// for is made once: an answer is good for everybody whose question had come before it was begun.

/** Commands a turn: of those that only look each takes below a millisecond. One alone would leave a long line to the cost of the turns. */
const turnMax = 8;

type Waiting = { ticket: number; go: (ticket: number) => void };

/** The line in which connections wait for their turn, and the answers that those in it may share. */
export class Turns {
  private readonly first: Waiting[] = [];
  private readonly later: Waiting[] = [];
  private readonly answers = new Map<string, { issued: number; text: Promise<string> }>();
  private isRunning = false;
  private lastTicket = 0;

  /** Resolves with the caller's ticket when it is its turn. `isFirst`: it was not served before. */
  next(isFirst: boolean): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.lastTicket++;
    (isFirst ? this.first : this.later).push({ ticket: this.lastTicket, go: resolve });
    if (!this.isRunning) {
      this.isRunning = true;
      setImmediate(() => this.run());
    }
    return promise;
  }

  /** What was answered to `question` after the owner of `ticket` had come into the line, or made anew, and kept while there is a line. */
  answer(question: string, ticket: number, make: () => Promise<string>): Promise<string> {
    const known = this.answers.get(question);
    if (known !== undefined && ticket <= known.issued) {
      return known.text;
    }
    const made = { issued: this.lastTicket, text: make() };
    if (this.isRunning) {
      this.answers.set(question, made);
    }
    return made.text;
  }

  private run(): void {
    if (this.first.length + this.later.length === 0) {
      this.isRunning = false;
      this.answers.clear();
      return;
    }
    for (let count = 0; count < turnMax; count++) {
      const next = this.first.shift() ?? this.later.shift();
      next?.go(next.ticket);
    }
    // Once more even when the line is empty by now: those who have just left it ask for their answers after this.
    setImmediate(() => this.run());
  }
}
