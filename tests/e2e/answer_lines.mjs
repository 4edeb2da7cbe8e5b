import readline from "node:readline";

// Answers each line of standard input, {"op": NAME, ...INPUT}, with a line: {"value"} of calls[NAME](INPUT), or {"error"}.
export async function answerLines(calls) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { op, ...input } = JSON.parse(line);
    let answer;
    try {
      answer = { value: await calls[op](input) };
    } catch (error) {
      answer = { error: `${error.name}: ${error.message}` };
    }
    console.log(JSON.stringify(answer));
  }
}
