namespace Pimm.Core.Importing;

/// <summary>Settings section <c>Importing</c>: how files are taken in.</summary>
public sealed class ImportingOptions
{
    /// <summary>Rows of a file that are written together with the position behind them. Default 20,000, 1 to 1,000,000.</summary>
    public int ChunkRows { get; set; } = 20_000;

    /// <summary>Between two looks whether another run has the same file done. Default 0.5 s, 0.05 s to 1 min.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <exception cref="InputException">a setting is out of its range</exception>
    public void Validate()
    {
        if (ChunkRows is < 1 or > 1_000_000)
        {
            throw new InputException($"The setting Importing:ChunkRows is {ChunkRows:N0}: it must be between 1 and 1,000,000.");
        }
        if (Poll < TimeSpan.FromMilliseconds(50) || Poll > TimeSpan.FromMinutes(1))
        {
            throw new InputException($"The setting Importing:Poll is {Poll}: it must be between 00:00:00.05 and 00:01:00.");
        }
    }
}
