namespace Pimm.Core.FeatureEncoding;

/// <summary>How columns become ids.</summary>
public sealed record FeatureEncodingOptions
{
    /// <summary>
    /// A category seen in fewer training rows shares id 0 with unknown ones; a numeric bin of fewer rows joins its
    /// neighbour. Rows, from 1; default 5.
    /// </summary>
    public int MinimumCount { get; init; } = 5;

    /// <summary>The most bins of a numeric column, without the one of missing values. From 2 to 1,024; default 32.</summary>
    public int Bins { get; init; } = 32;

    /// <summary>A column of numbers is numeric when it has more different values than this, else categorical. From 0; default 20.</summary>
    public int NumericAbove { get; init; } = 20;

    /// <summary>A categorical column of more different values is refused. From 1; default 1,000,000.</summary>
    public int MaximumCategories { get; init; } = 1_000_000;

    /// <exception cref="InputException">an option out of its range</exception>
    public void Validate()
    {
        Require(MinimumCount >= 1, "minimum count", MinimumCount, "at least 1");
        Require(Bins is >= 2 and <= 1024, "number of bins", Bins, "between 2 and 1,024");
        Require(NumericAbove >= 0, "number of values above which numbers are binned", NumericAbove, "at least 0");
        Require(MaximumCategories >= 1, "maximum of categories", MaximumCategories, "at least 1");
    }

    private static void Require(bool fits, string name, int value, string bound)
    {
        if (!fits)
        {
            throw new InputException($"The {name} is {value}; it must be {bound}.");
        }
    }
}
