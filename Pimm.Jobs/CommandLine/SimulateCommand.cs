using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Simulating;

namespace Pimm.Jobs.CommandLine;

/// <summary>Writes impressions of the simulated market as a file to train on, without a database.</summary>
public static class SimulateCommand
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(5);

    private static readonly Option<string?> Out = new("--out") { Description = "the file to write, FILE.csv or FILE.csv.gz" };
    private static readonly Option<long?> Rows = new("--rows") { Description = "impressions to train on, 1,000 to 100,000,000; their part is train" };
    private static readonly Option<long> Fresh = new("--fresh") { Description = "impressions of other customers to test on; their part is test", DefaultValueFactory = _ => 0 };
    private static readonly Option<string> World = new("--world") { Description = "null (the ad does nothing), base, harvest or knownLift", DefaultValueFactory = _ => "base" };
    private static readonly Option<ulong> Seed = new("--seed") { Description = "another seed is other customers in the same market", DefaultValueFactory = _ => 1 };

    public static Command Create() =>
        new Command("simulate", "writes impressions of the simulated market: part, labels, amount, attributes and the labels' true probabilities")
        {
            Out, Rows, Fresh, World, Seed, Invocation.JsonOption,
        }.Does((call, cancellationToken) => Task.FromResult(Run(call, cancellationToken)));

    private static int Run(Invocation call, CancellationToken cancellationToken)
    {
        var arguments = call.Arguments;
        var path = arguments.GetValue(Out) ?? throw new InputException("Say where to write: --out FILE.csv, or FILE.csv.gz for a packed one.");
        var options = new MarketSampleOptions
        {
            Rows = arguments.GetValue(Rows) ?? throw new InputException("Say with --rows how many impressions to simulate, 1,000 to 100,000,000."),
            Fresh = arguments.GetValue(Fresh),
            World = arguments.GetValue(World)!,
            Seed = arguments.GetValue(Seed),
        };
        var clock = TimeProvider.System;
        var (started, shown) = (clock.GetTimestamp(), clock.GetTimestamp());
        double Seconds() => clock.GetElapsedTime(started).TotalSeconds;
        var tasks = MarketSampleFile.Write(options, path, rows =>
        {
            if (clock.GetElapsedTime(shown) > BetweenLines)
            {
                shown = clock.GetTimestamp();
                call.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows:N0} of {options.Rows + options.Fresh:N0} rows, {rows / Seconds():N0} rows/s"));
            }
        }, cancellationToken);
        Print(call, options, path, tasks, Seconds());
        return ExitCode.Done;
    }

    private static void Print(Invocation call, MarketSampleOptions options, string path, IReadOnlyList<SampledTask> tasks, double seconds)
    {
        var (bytes, rowsPerSecond) = (new FileInfo(path).Length, (options.Rows + options.Fresh) / Math.Max(seconds, 1e-9));
        var document = new { Out = path, options.World, options.Seed, options.Rows, options.Fresh, Tasks = tasks, Seconds = seconds, RowsPerSecond = rowsPerSecond, Bytes = bytes };
        call.Print(document, lines =>
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{path}: {options.Rows:N0} rows to train on and {options.Fresh:N0} fresh ones of the {options.World} world, {bytes / 1e6:N1} MB in {seconds:F1} s, {rowsPerSecond:N0} rows/s"));
            foreach (var task in tasks)
            {
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"  {task.Name,-24} {task.Positives:N0} positives, {100 * task.Rate:F3} % of the rows; true mean {100 * task.TrueRate:F3} %"));
            }
        });
    }
}
