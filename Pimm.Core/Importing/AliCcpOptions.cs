namespace Pimm.Core.Importing;

/// <summary>Which raw files of Ali-CCP to convert, and to what.</summary>
public sealed record AliCcpOptions
{
    /// <summary>sample_skeleton_train.csv or sample_skeleton_test.csv, plain or gzip.</summary>
    public required string Skeleton { get; init; }

    /// <summary>The common_features file of the same part, plain or gzip.</summary>
    public required string Common { get; init; }

    /// <summary>The CSV to write, gzip when it ends in .gz: click,purchase and the 18 fields as numbers of the vocabulary.</summary>
    public required string Output { get; init; }

    /// <summary>A second CSV of the same rows with raw ids, 0 where a field is missing; default none.</summary>
    public string? Joined { get; init; }

    /// <summary>
    /// The vocabulary's JSON file. One that exists is used as it is, for a test file; else the skeleton is a training file, whose
    /// ids are counted first, and the vocabulary is written here. Default none: counted and not kept.
    /// </summary>
    public string? Vocabulary { get; init; }

    /// <summary>In how many rows of the training file an id must occur to get a number, from 1; default 12, as AITM does.</summary>
    public int? MinCount { get; init; }

    /// <summary>The minimum count of AITM's preparation: its counter starts at 0 and has to pass 10.</summary>
    public const int MinCountOfAitm = 12;

    /// <exception cref="InputException">an option out of its range, a folder that is not there, or a file named twice</exception>
    public void Validate()
    {
        if (MinCount < 1)
        {
            throw new InputException($"The minimum count is {MinCount}; it must be at least 1.");
        }

        ConvertedFiles.Check([Skeleton, Common], [Output, Joined, Vocabulary]);
    }
}
