using System.CommandLine;
using Pimm.Core;
using Pimm.Core.Datasets;
using Pimm.Core.Importing;

namespace Pimm.Jobs.CommandLine;

/// <summary>The arguments that say what a file's columns are and how its rows are split.</summary>
internal static class DatasetArguments
{
    public static readonly Option<string?> Data = new("--data") { Description = "a CSV file, plain or gzip" };
    public static readonly Option<ulong> Seed = new("--seed") { Description = "decides the split, the initial weights and everything random; in a comparison the first split, whose trainings have seeds 1, 2, …", DefaultValueFactory = _ => 1 };

    private static readonly Option<string?> Tasks = new("--tasks") { Description = "label columns in funnel order: y1,y2,y3" };
    private static readonly Option<string?> Amount = new("--amount") { Description = "a column of amounts behind the last task" };
    private static readonly Option<string?> Features = new("--features") { Description = "the feature columns; by default all that have no other role" };
    private static readonly Option<string?> Ignore = new("--ignore") { Description = "columns that are no features" };
    private static readonly Option<string?> Numeric = new("--numeric") { Description = "features to read as numbers; by default found" };
    private static readonly Option<string?> Categorical = new("--categorical") { Description = "features whose numbers are categories, as encoded ids are; all for every one that is not --numeric; by default found" };
    private static readonly Option<string?> Time = new("--time") { Description = "split by this column, the oldest rows train" };
    private static readonly Option<string?> Part = new("--part") { Description = "split by this column of the words train and test" };
    private static readonly Option<string?> Customer = new("--customer") { Description = "a column naming the customer: all rows of one stay in one part, intervals resample customers" };
    private static readonly Option<string?> Truth = new("--truth") { Description = "columns of the tasks' true probabilities, known in a simulation; never features" };
    private static readonly Option<double> Split = new("--split") { Description = "share of the rows that train and validate, the rest tests", DefaultValueFactory = _ => 0.8 };
    private static readonly Option<string?> Order = new("--order") { Description = "rows out of funnel order: reject, cascade-up or cascade-down; by default they stop the run" };
    private static readonly Option<string?> Delimiter = new("--delimiter") { Description = "one character; by default found" };
    private static readonly Option<string?> AllowLeak = new("--allow-leak") { Description = "features that may predict a task nearly perfectly" };
    private static readonly Option<string?> WriteSplits = new("--write-splits") { Description = "a folder for the very rows of each part as CSV: train.csv, validation.csv (both halves), test.csv" };

    public static void AddTo(Command command)
    {
        foreach (var option in new Option[] { Data, Tasks, Amount, Features, Ignore, Numeric, Categorical, Time, Part, Customer, Truth, Split, Order, Delimiter, AllowLeak, WriteSplits, Seed })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Reads, splits, encodes and packs the file; what was noticed goes to <paramref name="notes"/>.</summary>
    public static Dataset Read(ParseResult arguments, TextWriter notes, CancellationToken cancellationToken)
    {
        var dataset = DatasetBuilder.FromFile(Options(arguments), progress: null, cancellationToken);
        foreach (var note in dataset.Summary.Notes)
        {
            notes.WriteLine(note);
        }

        return dataset;
    }

    public static DatasetOptions Options(ParseResult arguments) => new()
    {
        Data = arguments.GetValue(Data) ?? throw new InputException("Say what to train on: --data FILE, or for train --campaign ID for the lines of a stored campaign."),
        Tasks = List(arguments.GetValue(Tasks)) ?? throw new InputException("Say with --tasks which label columns to learn, in funnel order: --tasks y1,y2,y3."),
        Amount = arguments.GetValue(Amount),
        Features = List(arguments.GetValue(Features)),
        Ignore = List(arguments.GetValue(Ignore)) ?? [],
        Numeric = List(arguments.GetValue(Numeric)) ?? [],
        Categorical = List(arguments.GetValue(Categorical)) ?? [],
        Time = arguments.GetValue(Time),
        Part = arguments.GetValue(Part),
        Customer = arguments.GetValue(Customer),
        Truth = List(arguments.GetValue(Truth)) ?? [],
        TrainingShare = arguments.GetValue(Split),
        Order = RuleOf(arguments.GetValue(Order)),
        Delimiter = CharacterOf(arguments.GetValue(Delimiter)),
        AllowLeak = List(arguments.GetValue(AllowLeak)) ?? [],
        WriteSplits = arguments.GetValue(WriteSplits),
        Seed = arguments.GetValue(Seed),
    };

    public static char? CharacterOf(string? text) => text switch
    {
        null => null,
        "\\t" or "tab" => '\t',
        { Length: 1 } => text[0],
        _ => throw new InputException($"--delimiter '{text}' is not one character; write for example --delimiter ';' or --delimiter tab."),
    };

    public static string[]? List(string? columns) =>
        columns?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static FunnelOrder RuleOf(string? name) => name is null ? FunnelOrder.Stop : FunnelOrders.Parse(name);
}
