using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Pimm.Core;
using Pimm.Core.Database;

namespace Pimm.Jobs.CommandLine;

/// <summary>What the process answers to its caller.</summary>
public static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongInput = 2;
    public const int Interrupted = 130;
}

/// <summary>Parses, runs one verb, and turns whatever happens into an exit code and at most one sentence on stderr.</summary>
public static partial class CommandLineHost
{
    /// <summary>
    /// Runs a verb beside the main thread. A signal to the process interrupts its main thread wherever that is, and oneDNN before 3.11.2
    /// (uxlfoundation/oneDNN, issue 4845) multiplies with the stack pointer in the heap: a handler that begins there, as Ctrl-C's does,
    /// overwrites what lies before. So the main thread computes nothing.
    /// </summary>
    public static Task<int> RunAsync(string[] arguments, IReadOnlyList<Command> verbs) =>
        Task.Run(() => RunAsync(arguments, verbs, Console.Out, Console.Error));

    public static async Task<int> RunAsync(string[] arguments, IReadOnlyList<Command> verbs, TextWriter output, TextWriter error)
    {
        var root = new Command("pimm", "Pimm: trains conversion models, lets two of them pick audiences, and says what the better one was worth.")
        {
            new HelpOption(),
            new VersionOption()
        };
        foreach (var verb in verbs)
            root.Subcommands.Add(verb);

        var parsed = root.Parse(arguments);
        if (parsed.Action is ParseErrorAction || (parsed.Action is null && parsed.Errors.Count > 0))
        {
            var reason = parsed.UnmatchedTokens is [var unknown, ..] ? $"There is no \"{unknown}\" here" : Plain(parsed.Errors[0].Message.TrimEnd('.'));
            error.WriteLine($"{reason}: see {Path(parsed)} --help.");
            return ExitCode.WrongInput;
        }

        using var stop = new StopSignals();
        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, stop.Token);
        }
        catch (Exception e)
        {
            return Report(e, stop.Token.IsCancellationRequested, error);
        }
    }

    private static int Report(Exception thrown, bool interrupted, TextWriter error)
    {
        if (interrupted && thrown is OperationCanceledException)
        {
            error.WriteLine("Interrupted.");
            return ExitCode.Interrupted;
        }

        var translated = PostgresErrors.Translate(thrown);
        error.WriteLine(translated.Message);
        if (translated is InputException)
            return ExitCode.WrongInput;
        if (translated is not DatabaseException && Environment.GetEnvironmentVariable("PIMM_TRACE") == "1")
            error.WriteLine(thrown);
        return ExitCode.Failed;
    }

    /// <summary>A type's name is no word of ours: "Cannot parse argument 'x' for option '--limit' as expected type 'System.Int32'".</summary>
    private static string Plain(string reason) => Unparsed().Match(reason) is not { Success: true } found ? reason
        : $"{(found.Groups["option"].Success ? found.Groups["option"].Value : "The argument")} is \"{found.Groups["value"].Value}\": give {(found.Groups["type"].Value switch
        {
            "Int32" or "Int64" or "UInt64" => "a whole number",
            "Double" => "a number such as 0.05",
            "Boolean" => "true or false",
            "TimeSpan" => "a time such as 00:30:00",
            _ => "a value of the kind that is asked for",
        })}";

    [GeneratedRegex("^Cannot parse argument '(?<value>.*?)' (for (option '(?<option>.*?)'|command '.*?') )?as expected type '(System\\.)?(Nullable`1\\[System\\.)?(?<type>[A-Za-z0-9]+).*$")]
    private static partial Regex Unparsed();

    private static string Path(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (var result = parsed.CommandResult; result is not null; result = result.Parent as System.CommandLine.Parsing.CommandResult)
            names.Push(result.Command.Name);
        return string.Join(' ', names);
    }

    /// <summary>The first Ctrl-C or SIGTERM asks the verb to stop, the second ends the process at once.</summary>
    private sealed class StopSignals : IDisposable
    {
        private readonly CancellationTokenSource source = new();
        private readonly PosixSignalRegistration[] registrations;

        public StopSignals() => registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop)
        ];

        public CancellationToken Token => source.Token;

        private void Stop(PosixSignalContext context)
        {
            if (source.IsCancellationRequested) return;
            context.Cancel = true;
            source.Cancel();
        }

        public void Dispose()
        {
            foreach (var registration in registrations)
                registration.Dispose();
            source.Dispose();
        }
    }
}
