namespace Pimm.Core.Datasets;

/// <summary>The part a row plays; the numbers are those of the snapshot's "split" array.</summary>
public enum Split : byte
{
    /// <summary>Fits the feature map and the weights.</summary>
    Train = 0,

    /// <summary>Chooses the epoch and the settings.</summary>
    Validation = 1,

    /// <summary>Touched once, after everything is chosen.</summary>
    Test = 2,
}
