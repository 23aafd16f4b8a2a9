using System.Globalization;

namespace Pimm.Core.Scoring;

/// <summary>What a scoring is made of, pinned when it was planned: whoever scores a shard of it, and whenever, does it with the same models and customers.</summary>
/// <param name="ScoringId">the unfinished scoring</param>
/// <param name="ModelsUnchanged">the weights still have the hashes they had when the scoring was planned</param>
/// <param name="Definition">the campaign's <see cref="Campaigns.Campaign.ScoredDefinition"/>; null: from before that was kept</param>
public sealed record ScorePlan(
    long ScoringId, long CampaignId, int AudienceVersion, long ControlVersionId, long TreatmentVersionId, bool ModelsUnchanged, string? Definition);

/// <summary>A range of an audience's customers that is scored and written as a whole.</summary>
/// <param name="Shard">0 to the number of shards - 1, in the order of their customers</param>
/// <param name="NextCustomer">the first one after the range; null: the range reaches to the end</param>
public sealed record ScoreShard(int Shard, Guid FirstCustomer, Guid? NextCustomer)
{
    /// <summary>Cuts all customers into ranges of equal width: a customer's uuid is a hash already.</summary>
    /// <param name="shards">1 to 4,096</param>
    public static IReadOnlyList<ScoreShard> Of(int shards) =>
    [
        .. Enumerable.Range(0, shards).Select(shard => new ScoreShard(shard, StartOf(shard, shards), shard + 1 < shards ? StartOf(shard + 1, shards) : null)),
    ];

    private static Guid StartOf(long shard, int shards) =>
        Guid.ParseExact(string.Create(CultureInfo.InvariantCulture, $"{(shard << 32) / shards:x8}-0000-0000-0000-000000000000"), "D");
}

/// <summary>What came of one shard.</summary>
/// <param name="Asked">customers looked at</param>
/// <param name="Exclusions">customers looked at, then left after each step of the exclusion funnel</param>
/// <param name="Checksum">SHA-256 of the scores, ordered by customer</param>
public sealed record ShardResult(long Asked, IReadOnlyList<CustomerScore> Scores, long[] Exclusions, byte[] Checksum);

/// <summary>How far a scoring is, whoever did it.</summary>
public sealed record ShardProgress(long Shards, long Done, long Asked, long Scored);
