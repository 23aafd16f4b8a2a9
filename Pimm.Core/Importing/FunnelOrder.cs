namespace Pimm.Core.Importing;

/// <summary>What happens to labels that break the funnel's order (a later stage without the one before it).</summary>
public enum FunnelOrder
{
    /// <summary>The file is refused, with the count and the first lines; what a training does unless told otherwise.</summary>
    Stop,

    /// <summary>The row is left out and counted; what an import does unless told otherwise.</summary>
    Reject,

    /// <summary>The later label is believed: the stages before it become 1.</summary>
    CascadeUp,

    /// <summary>The earlier label is believed: the stages after the first 0 become 0.</summary>
    CascadeDown,
}

/// <summary>Nested labels as one number.</summary>
public static class FunnelOrders
{
    /// <summary>The number of stages reached, or null when the order is broken and <paramref name="order"/> does not repair it.</summary>
    public static int? StageOf(ReadOnlySpan<bool> labels, FunnelOrder order)
    {
        var leading = 0;
        while (leading < labels.Length && labels[leading])
        {
            leading++;
        }
        var last = labels.LastIndexOf(true) + 1;
        return last == leading ? leading : order switch
        {
            FunnelOrder.CascadeUp => last,
            FunnelOrder.CascadeDown => leading,
            _ => null,
        };
    }

    /// <exception cref="InputException">no such rule</exception>
    public static FunnelOrder Parse(string text) => text switch
    {
        "reject" => FunnelOrder.Reject,
        "cascade-up" => FunnelOrder.CascadeUp,
        "cascade-down" => FunnelOrder.CascadeDown,
        _ => throw new InputException($"--order {text} is unknown; choose reject, cascade-up or cascade-down."),
    };
}
