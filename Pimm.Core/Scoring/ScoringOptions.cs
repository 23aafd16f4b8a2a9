namespace Pimm.Core.Scoring;

/// <summary>Settings section <c>Scoring</c>: how a scoring is cut into pieces.</summary>
public sealed class ScoringOptions
{
    /// <summary>Pieces of an audience, each scored and written as a whole. Default 64, 1 to 4,096.</summary>
    public int Shards { get; set; } = 64;

    /// <summary>Customers that a shard has at least, so that a small audience has fewer shards. Default 10,000, 1 to 100,000,000.</summary>
    public int ShardCustomers { get; set; } = 10_000;

    /// <summary>Runs that help the one that was asked for, wherever a worker is free. Default 3, 0 to 64.</summary>
    public int Assistants { get; set; } = 3;

    /// <summary>Between two looks whether the others' shards are done. Default 0.5 s, 0.05 s to 1 min.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <exception cref="InputException">a setting is out of its range</exception>
    public void Validate()
    {
        Within(nameof(Shards), Shards, 1, 4_096);
        Within(nameof(ShardCustomers), ShardCustomers, 1, 100_000_000);
        Within(nameof(Assistants), Assistants, 0, 64);
        if (Poll < TimeSpan.FromMilliseconds(50) || Poll > TimeSpan.FromMinutes(1))
        {
            throw new InputException($"The setting Scoring:Poll is {Poll}: it must be between 00:00:00.05 and 00:01:00.");
        }
    }

    /// <summary>Of an audience of so many customers.</summary>
    public int ShardsOf(long customers) => (int)Math.Clamp(customers / ShardCustomers, 1, Shards);

    private static void Within(string name, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new InputException($"The setting Scoring:{name} is {value:N0}: it must be between {least:N0} and {most:N0}.");
        }
    }
}
