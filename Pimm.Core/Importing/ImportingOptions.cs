namespace Pimm.Core.Importing;

/// <summary>Settings section <c>Importing</c>: how files are taken in.</summary>
public sealed class ImportingOptions
{
    /// <summary>Rows of a file that are written together with the position behind them. Default 20,000, 1 to 1,000,000.</summary>
    public int ChunkRows { get; set; } = 20_000;

    /// <summary>Between two looks whether another run has the same file done. Default 0.5 s, 0.05 s to 1 min.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Folder in which uploaded files wait for their import. Default "uploads" below the working folder.</summary>
    public string Uploads { get; set; } = "uploads";

    /// <summary>A larger upload is refused while it is sent. Default 10 GiB (10,737,418,240), 1 KiB to 1 TiB, in bytes.</summary>
    public long MaximumUploadBytes { get; set; } = 10L << 30;

    /// <summary>A packed file that holds more than this is refused. Default 20 GiB (21,474,836,480), 1 KiB to 10 TiB, in bytes.</summary>
    public long MaximumUnpackedBytes { get; set; } = 20L << 30;

    /// <summary>A packed file that holds more than so many times its size (and more than 64 MiB) is refused. Default 200, 2 to 2,000.</summary>
    public int MaximumUnpackRatio { get; set; } = 200;

    /// <summary>An uploaded file that nobody imported is removed after so long. Default 7 days, 1 h to 90 days.</summary>
    public TimeSpan KeepUploads { get; set; } = TimeSpan.FromDays(7);

    public UnpackingLimit Unpacking => new(MaximumUnpackedBytes, MaximumUnpackRatio);

    /// <exception cref="InputException">a setting is out of its range</exception>
    public void Validate()
    {
        Require(ChunkRows is >= 1 and <= 1_000_000, nameof(ChunkRows), $"{ChunkRows:N0}", "1 and 1,000,000");
        Require(Poll >= TimeSpan.FromMilliseconds(50) && Poll <= TimeSpan.FromMinutes(1), nameof(Poll), $"{Poll}", "00:00:00.05 and 00:01:00");
        Require(MaximumUploadBytes is >= 1024 and <= 1L << 40, nameof(MaximumUploadBytes), $"{MaximumUploadBytes:N0}", "1,024 and 1,099,511,627,776");
        Require(MaximumUnpackedBytes is >= 1024 and <= 10L << 40, nameof(MaximumUnpackedBytes), $"{MaximumUnpackedBytes:N0}", "1,024 and 10,995,116,277,760");
        Require(MaximumUnpackRatio is >= 2 and <= 2_000, nameof(MaximumUnpackRatio), $"{MaximumUnpackRatio:N0}", "2 and 2,000");
        Require(KeepUploads >= TimeSpan.FromHours(1) && KeepUploads <= TimeSpan.FromDays(90), nameof(KeepUploads), $"{KeepUploads}", "01:00:00 and 90.00:00:00");
        if (string.IsNullOrWhiteSpace(Uploads))
        {
            throw new InputException("The setting Importing:Uploads is empty: name the folder in which uploaded files wait.");
        }
    }

    private static void Require(bool holds, string name, FormattableString value, string bounds)
    {
        if (!holds)
        {
            throw new InputException($"The setting Importing:{name} is {FormattableString.Invariant(value)}: it must be between {bounds}.");
        }
    }
}
