namespace Pimm.Core.Training;

/// <summary>
/// Settings section <c>Training:Checks</c>: what makes a retraining stop, and what is only said. A stop leaves the champion as it is:
/// a model a day older does less harm than one trained on labels that have not arrived.
/// </summary>
public sealed class TrainingCheckOptions
{
    /// <summary>Days of the newest rows that a training is described by. Default 30, 1 to 366: a month has its weekends and its pay-day.</summary>
    public int RecentDays { get; set; } = 30;

    /// <summary>
    /// By what factor a stage's label rate must have changed, up or down, surely, for a stop. Default 1.5, above 1 to 100: half the labels missing is found,
    /// a season is not.
    /// </summary>
    public double LabelFactor { get; set; } = 1.5;

    /// <summary>By what factor, in the estimate, for a warning of a change that chance does not explain. Default 1.2, above 1 to 100.</summary>
    public double LabelWarning { get; set; } = 1.2;

    /// <summary>Chance of a stop or a warning about label rates where nothing has changed, all stages together. Default 0.001, above 0 to 0.5: a line is trained every night for years.</summary>
    public double LabelAlpha { get; set; } = 0.001;

    /// <summary>Share of new rows without a usable value from which an attribute counts as gone. Default 0.99, 0.5 to 1.</summary>
    public double GoneShare { get; set; } = 0.99;

    /// <summary>Rise of an attribute's missing or unseen share that is said. Default 0.05, above 0 to 1.</summary>
    public double MissingWarning { get; set; } = 0.05;

    /// <summary>New rows from which attributes are looked at. Default 100, 1 to 1,000,000: fewer say nothing about 1 %.</summary>
    public int FewestRows { get; set; } = 100;

    /// <summary>Age in days of the newest usable impression, counted from the newest closed window, that stops a retraining. Default 45, 1 to 3,660: no campaign for six weeks is an import that stopped.</summary>
    public int OldestDays { get; set; } = 45;

    /// <summary>The same that is said. Default 7, 1 to 3,660.</summary>
    public int AgeWarningDays { get; set; } = 7;

    /// <summary>New rows a day below this share of the last training's are said. Default 0.5, 0 to 1.</summary>
    public double RowsWarning { get; set; } = 0.5;

    /// <exception cref="InputException">a setting is out of its range</exception>
    public TrainingCheckOptions Validated()
    {
        Require(RecentDays is >= 1 and <= 366, nameof(RecentDays), RecentDays, "1 to 366 days");
        Require(LabelFactor is > 1 and <= 100, nameof(LabelFactor), LabelFactor, "above 1 and at most 100");
        Require(LabelWarning is > 1 and <= 100, nameof(LabelWarning), LabelWarning, "above 1 and at most 100");
        Require(LabelAlpha is > 0 and <= 0.5, nameof(LabelAlpha), LabelAlpha, "above 0 and at most 0.5");
        Require(GoneShare is >= 0.5 and <= 1, nameof(GoneShare), GoneShare, "0.5 to 1");
        Require(MissingWarning is > 0 and <= 1, nameof(MissingWarning), MissingWarning, "above 0 and at most 1");
        Require(FewestRows is >= 1 and <= 1_000_000, nameof(FewestRows), FewestRows, "1 to 1,000,000 rows");
        Require(OldestDays is >= 1 and <= 3_660, nameof(OldestDays), OldestDays, "1 to 3,660 days");
        Require(AgeWarningDays is >= 1 and <= 3_660, nameof(AgeWarningDays), AgeWarningDays, "1 to 3,660 days");
        Require(RowsWarning is >= 0 and <= 1, nameof(RowsWarning), RowsWarning, "0 to 1");
        return this;
    }

    private static void Require(bool holds, string name, double value, string bound)
    {
        if (!holds)
        {
            throw new InputException(FormattableString.Invariant($"The setting Training:Checks:{name} is {value}: it must be {bound}."));
        }
    }
}
