namespace Pimm.Core.Allocating;

/// <summary>A customer's arm in a campaign.</summary>
public enum Arm : byte
{
    Control = 0,
    Treatment = 1,
}

/// <summary>How the eligible customers were divided.</summary>
public enum SplitMethod
{
    Hash,
    BestOfCandidates,
    PermutedBlocks,
}

/// <summary>
/// A finished split. Arms: one a customer, in the order given. Salt: the one that decided (hash methods), Seed: for blocks.
/// Candidates: the Mahalanobis imbalance M of every candidate in order, Winner the index of the smallest (0 for a plain hash).
/// Imbalance: the winner's M, null where no covariate was given or none varies.
/// </summary>
public sealed record SplitResult(
    SplitMethod Method, IReadOnlyList<Arm> Arms, string? Salt, ulong? Seed, IReadOnlyList<double> Candidates, int Winner, double? Imbalance)
{
    public int Controls { get; } = Arms.Count(arm => arm == Arm.Control);

    public int Treatments => Arms.Count - Controls;
}
