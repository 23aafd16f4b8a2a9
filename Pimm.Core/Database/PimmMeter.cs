using System.Diagnostics.Metrics;

namespace Pimm.Core.Database;

/// <summary>The product's one meter: every measured number has this name in front. Nobody listens, nothing is computed.</summary>
public static class PimmMeter
{
    public const string Name = "Pimm";

    public static Meter Meter { get; } = new(Name);
}
