// How the scripts here run tests and report, in TAP.
let number = 0;
const waiting = [];

export function test(name, run)
{
    waiting.push([name, run]);
}

export async function runAll()
{
    console.log(`1..${waiting.length}`);
    for (const [name, run] of waiting) {
        number++;
        try {
            await run();
            console.log(`ok ${number} - ${name}`);
        } catch (error) {
            console.log(`not ok ${number} - ${name}\n# ${String(error.stack ?? error).replaceAll('\n', '\n# ')}`);
            process.exitCode = 1;
        }
    }
}
