namespace Pimm.Core.Networks;

/// <summary>A network's list of dropout shares, given for its layers from the input upwards, cut where one part ends.</summary>
public static class DropoutShares
{
    /// <param name="shares">One a layer, the lower part's first.</param>
    /// <param name="lower">Layers of the lower part.</param>
    /// <param name="upper">Layers of the upper part.</param>
    /// <param name="parts">What the two are called, in the refusal.</param>
    /// <exception cref="InputException">There are not as many shares as layers.</exception>
    public static (IReadOnlyList<double> Lower, IReadOnlyList<double> Upper) Cut(
        IReadOnlyList<double> shares, IReadOnlyList<int> lower, IReadOnlyList<int> upper, string parts)
    {
        var layers = lower.Count + upper.Count;
        return shares.Count == layers
            ? ([.. shares.Take(lower.Count)], [.. shares.Skip(lower.Count)])
            : throw new InputException($"{layers} layers of {parts} need as many dropout shares, but {shares.Count} were given; give one a layer.");
    }
}
