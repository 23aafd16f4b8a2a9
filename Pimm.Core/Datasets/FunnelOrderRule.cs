namespace Pimm.Core.Datasets;

/// <summary>What to do with a row whose labels break the funnel's order: a 1 behind a 0.</summary>
public enum FunnelOrderRule
{
    /// <summary>Stop with the count and the first lines.</summary>
    Stop = 0,

    /// <summary>Leave the row out and count it.</summary>
    Reject = 1,

    /// <summary>A later stage that happened makes the earlier ones 1.</summary>
    CascadeUp = 2,

    /// <summary>An earlier stage that did not happen makes the later ones 0.</summary>
    CascadeDown = 3,
}
