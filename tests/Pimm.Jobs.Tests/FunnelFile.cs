using System.Globalization;
using System.Text;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.Tests;

/// <summary>A small CSV to train on: click depends on the shop, buy follows four clicks in ten.</summary>
internal static class FunnelFile
{
    public static string Text(int rows)
    {
        var stream = new RandomStream(3, "funnel");
        var text = new StringBuilder("shop,day,click,buy\n");
        for (var row = 0; row < rows; row++)
        {
            var shop = stream.NextInt(3);
            var click = stream.NextDouble() < 0.3 + (0.2 * shop);
            text.Append(CultureInfo.InvariantCulture, $"s{shop},d{stream.NextInt(7)},{(click ? 1 : 0)},{(click && stream.NextDouble() < 0.4 ? 1 : 0)}\n");
        }

        return text.ToString();
    }
}
