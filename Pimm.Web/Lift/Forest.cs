namespace Pimm.Web.Lift;

/// <summary>Measures of the drawings inside the table of numbers.</summary>
public static class Forest
{
    public const double Width = 360;

    /// <summary>Where an interval without an end leaves the scale.</summary>
    public const double Left = 9;
    public const double Right = Width - Left;

    /// <summary>Ends of the scale itself.</summary>
    public const double From = 2 * Left;
    public const double To = Width - From;
}
