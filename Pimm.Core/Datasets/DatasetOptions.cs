using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;

namespace Pimm.Core.Datasets;

/// <summary>What to make of rows: which columns are what, how they are split, where the packed snapshot goes.</summary>
public sealed record DatasetOptions
{
    /// <summary>A delimited file, plain or gzip.</summary>
    public required string Data { get; init; }

    /// <summary>Label columns in the order of the funnel, each 0 or 1; from 1 to 16.</summary>
    public required IReadOnlyList<string> Tasks { get; init; }

    /// <summary>Where the packed snapshot is written; default a new file in the temporary folder, removed with the snapshot.</summary>
    public string? SnapshotPath { get; init; }

    /// <summary>A column of finite numbers, kept as it is for a last task with a value; empty fields are 0. Default none.</summary>
    public string? Amount { get; init; }

    /// <summary>The columns used as features; default all that have no other role and are not ignored.</summary>
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>Columns that are no features; not together with <see cref="Features"/>. Default none.</summary>
    public IReadOnlyList<string> Ignore { get; init; } = [];

    /// <summary>Features to bin as numbers whatever their values look like. Default none: the values decide.</summary>
    public IReadOnlyList<string> Numeric { get; init; } = [];

    /// <summary>
    /// Features whose values are categories however many numbers they are, as encoded ids are; the one word all means every
    /// feature that is not in <see cref="Numeric"/>. Default none: the values decide.
    /// </summary>
    public IReadOnlyList<string> Categorical { get; init; } = [];

    /// <summary>Features that may equal a task or alone predict it with an AUC above 0.99: each is noted, not refused. Default none.</summary>
    public IReadOnlyList<string> AllowLeak { get; init; } = [];

    /// <summary>
    /// The true probability of each task, 0 … 1, known in simulations only: one column a task, in the same order. Never
    /// features. Default none.
    /// </summary>
    public IReadOnlyList<string> Truth { get; init; } = [];

    /// <summary>A column of whole numbers or ISO 8601 dates or times: the oldest rows train. Default none: rows are drawn by seed.</summary>
    public string? Time { get; init; }

    /// <summary>A column of the words train and test, which decides instead of a draw; not together with <see cref="Time"/>. Default none.</summary>
    public string? Part { get; init; }

    /// <summary>
    /// A column that names the customer of a row: a draw puts all rows of a customer into the same part, and intervals resample
    /// customers. Never a feature. Default none: every row is a customer of its own.
    /// </summary>
    public string? Customer { get; init; }

    /// <summary>The share of rows for training and validation, the rest is for testing; between 0.05 and 0.95, default 0.8. Not used with <see cref="Part"/>.</summary>
    public double TrainingShare { get; init; } = 0.8;

    /// <summary>
    /// The share of the training part that is held out, drawn by seed: one half chooses the epoch and the learning rate, the
    /// other fits the calibrator. Between 0.01 and 0.5, default 0.1.
    /// </summary>
    public double ValidationShare { get; init; } = 0.1;

    /// <summary>
    /// Draws the split, stratified by exit stage so that each part has its share of every stage within one row. A row's place
    /// in the file decides with the seed, so appended rows move few of the others. Default 1.
    /// </summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>What to do with labels out of the funnel's order; default stop.</summary>
    public FunnelOrder Order { get; init; } = FunnelOrder.Stop;

    /// <summary>The field delimiter; default the one found.</summary>
    public char? Delimiter { get; init; }

    /// <summary>
    /// A folder for train.csv, validation.csv (calibration rows too: another program may tune on both halves), test.csv (the
    /// very rows, original values) and columns.json; default none.
    /// </summary>
    public string? WriteSplits { get; init; }

    /// <summary>How columns become ids.</summary>
    public FeatureEncodingOptions Encoding { get; init; } = new();

    /// <exception cref="InputException">an option out of its range, or two that exclude each other</exception>
    public void Validate()
    {
        Encoding.Validate();
        Require(Tasks.Count is >= 1 and <= 16, $"There are {Tasks.Count} tasks; give from 1 to 16 label columns.");
        Require(TrainingShare is >= 0.05 and <= 0.95, FormattableString.Invariant($"The training share is {TrainingShare}; it must be between 0.05 and 0.95."));
        Require(ValidationShare is >= 0.01 and <= 0.5, FormattableString.Invariant($"The validation share is {ValidationShare}; it must be between 0.01 and 0.5."));
        Require(Truth.Count == 0 || Truth.Count == Tasks.Count, $"There are {Truth.Count} columns of true probabilities and {Tasks.Count} tasks; give one for each task, in the same order.");
        Require(Time is null || Part is null, "A time column and a part column exclude each other; give one of the two.");
        Require(Features is null || Ignore.Count == 0, "Features and columns to ignore exclude each other; give one of the two lists.");
        Require(!Categorical.Intersect(Numeric).Any(), $"Column '{Categorical.Intersect(Numeric).FirstOrDefault()}' is given as categorical and as numeric; it can be one of the two.");
        Require(Features is null || Features.Count > 0, "The list of features is empty; give at least one column.");
    }

    private static void Require(bool fits, string sentence)
    {
        if (!fits)
        {
            throw new InputException(sentence);
        }
    }
}
