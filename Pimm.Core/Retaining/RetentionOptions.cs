namespace Pimm.Core.Retaining;

/// <summary>Settings section <c>Retention</c>: how long what nobody points to is kept. Campaigns, arms, scores, waves, outcomes and reports stay for ever.</summary>
public sealed class RetentionOptions
{
    /// <summary>Newest versions of a line that keep their weights; champions of any time and scored versions always do. Default 30, 1 to 10,000.</summary>
    public int ModelVersions { get; set; } = 30;

    /// <summary>Days that the lines of finished runs are kept. Default 90, 1 to 3,660.</summary>
    public int RunLogDays { get; set; } = 90;

    /// <summary>Days that finished runs are kept which no other row points to. Default 400, 1 to 3,660.</summary>
    public int RunDays { get; set; } = 400;

    /// <summary>Days that what a failed or cancelled run left half done (scores, rows of a file) is kept for its being tried again. Default 7, 1 to 3,660.</summary>
    public int UnfinishedDays { get; set; } = 7;

    /// <summary>Days that the files of audience lists are kept; their rows with hash and count stay. Default 90, 1 to 3,660.</summary>
    public int ExportFileDays { get; set; } = 90;

    /// <summary>Days that the text of bad rows is kept, sealed, to be mended; their codes and counts stay. Events put aside go. Default 90, 1 to 3,660.</summary>
    public int BadRowDays { get; set; } = 90;

    /// <summary>Days that outcome files are kept in the inbox after they were taken or refused. Default 90, 1 to 3,660.</summary>
    public int InboxFileDays { get; set; } = 90;

    /// <summary>Hours that the folder of a training is kept after the run has ended. Default 24, 1 to 8,784.</summary>
    public int TrainingFolderHours { get; set; } = 24;

    /// <summary>Minutes after which an unfinished list or backup that nobody writes to is abandoned. Default 60, 1 to 10,080.</summary>
    public int TemporaryFileMinutes { get; set; } = 60;

    /// <summary>Rows removed in one transaction. Default 10,000, 1 to 1,000,000.</summary>
    public int BatchRows { get; set; } = 10_000;

    /// <exception cref="InputException">a setting is out of its range</exception>
    public void Validate()
    {
        Within(nameof(ModelVersions), ModelVersions, 10_000);
        Within(nameof(RunLogDays), RunLogDays, 3_660);
        Within(nameof(RunDays), RunDays, 3_660);
        Within(nameof(UnfinishedDays), UnfinishedDays, 3_660);
        Within(nameof(ExportFileDays), ExportFileDays, 3_660);
        Within(nameof(BadRowDays), BadRowDays, 3_660);
        Within(nameof(InboxFileDays), InboxFileDays, 3_660);
        Within(nameof(TrainingFolderHours), TrainingFolderHours, 8_784);
        Within(nameof(TemporaryFileMinutes), TemporaryFileMinutes, 10_080);
        Within(nameof(BatchRows), BatchRows, 1_000_000);
    }

    private static void Within(string name, int value, int most)
    {
        if (value < 1 || value > most)
            throw new InputException($"The setting Retention:{name} is {value}: it must be between 1 and {most}.");
    }
}
