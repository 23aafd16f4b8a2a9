using System.CommandLine;
using System.Text.Json;
using Pimm.Jobs.CommandLine.Statistics;

namespace Pimm.Jobs.CommandLine;

/// <summary>The statistics as pure functions: one JSON object on standard input, one on standard output; no database.</summary>
public static class StatsCommand
{
    private static readonly Option<bool> List = new("--list") { Description = "name the functions" };

    /// <param name="input">read to its end by a function; the process's standard input where it is null</param>
    public static Command Create(TextReader? input = null)
    {
        var stats = new Command("stats", "the statistics as functions: one JSON object on standard input, one on standard output") { List, Invocation.JsonOption }
            .Does((call, _) => Task.FromResult(Name(call)));
        foreach (var function in StatsCatalogue.All)
            stats.Subcommands.Add(Create(function, input));
        return stats;
    }

    private static Command Create(StatsFunction function, TextReader? input) =>
        new Command(function.Name, $"{function.Description}\n\nFields: {string.Join(", ", function.Allowed)}{Inside(function)}\nSample: echo '{function.Sample}' | pimm stats {function.Name}")
            { Invocation.JsonOption }
            .Does(async (call, cancellationToken) =>
            {
                var given = StatsInput.Parse(await (input ?? Console.In).ReadToEndAsync(cancellationToken));
                given.CheckNames(function);
                return Print(function.Name, function.Compute(given), call);
            });

    private static string Inside(StatsFunction function) => function.Inside.Count == 0 ? "" : $"\nInside them: {string.Join(", ", function.Inside)}";

    /// <summary>Prints the answer; one that holds a NaN is a mistake of ours, not an answer.</summary>
    internal static int Print(string function, object answer, Invocation call)
    {
        var text = JsonSerializer.Serialize(answer, Invocation.JsonFormat);
        if (text.Contains("\"NaN\"", StringComparison.Ordinal))
        {
            call.Error.WriteLine($"{function} has no number for these values: a step of its arithmetic left what a double can hold; give them in a larger or a smaller unit.");
            return ExitCode.Failed;
        }
        call.Output.WriteLine(text);
        return ExitCode.Done;
    }

    private static int Name(Invocation call)
    {
        var functions = StatsCatalogue.All;
        call.Print(new { Functions = functions.Select(function => new { function.Name, function.Description, function.Sample }) }, lines =>
        {
            foreach (var function in functions)
                lines.WriteLine($"{function.Name,-22} {function.Description}");
        });
        return ExitCode.Done;
    }
}
