namespace Pimm.Core.Promoting;

/// <summary>One entry of a line's ledger.</summary>
/// <param name="JudgementId">the nightly judgement behind it; null: a training or a person</param>
/// <param name="RolledBackId">the version that it took out; null: no roll-back</param>
public sealed record Promotion(
    long Id, long ModelVersionId, int Version, DateTimeOffset PromotedAt, string PromotedBy, string Reason, long? JudgementId, long? RolledBackId);

/// <summary>
/// A line's promotions in their order. A roll-back takes the champion off the stack of champions, so that the next one goes a step
/// further back and not to and fro.
/// </summary>
public sealed class PromotionLedger
{
    private readonly List<Promotion> _standing = [];

    /// <param name="promotions">oldest first</param>
    public PromotionLedger(IEnumerable<Promotion> promotions)
    {
        foreach (var promotion in promotions)
        {
            if (promotion.RolledBackId is { } taken)
            {
                RolledBack.Add(taken);
                _standing.RemoveRange(Math.Max(1, _standing.Count - 1), _standing.Count > 1 ? 1 : 0);
            }
            else if (Champion?.ModelVersionId != promotion.ModelVersionId)
            {
                _standing.Add(promotion);
            }
        }
    }

    /// <summary>Versions that were taken out at any time: never promoted again by night.</summary>
    public HashSet<long> RolledBack { get; } = [];

    public Promotion? Champion => _standing.Count == 0 ? null : _standing[^1];

    /// <summary>The champion before; null where there was none.</summary>
    public Promotion? Before => _standing.Count < 2 ? null : _standing[^2];
}
