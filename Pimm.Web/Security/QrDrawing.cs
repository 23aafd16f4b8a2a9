using System.Globalization;
using System.Text;
using QRCoder;

namespace Pimm.Web.Security;

/// <summary>A QR code as one path of an SVG.</summary>
/// <param name="Size">width and height in dots, the quiet zone with it</param>
public sealed record QrDrawing(int Size, string Path)
{
    public static QrDrawing Of(string text)
    {
        using var generator = new QRCodeGenerator();
        using var code = generator.CreateQrCode(text, QRCodeGenerator.ECCLevel.M);
        var path = new StringBuilder();
        for (var y = 0; y < code.ModuleMatrix.Count; y++)
        {
            for (var x = 0; x < code.ModuleMatrix[y].Length; x++)
            {
                if (code.ModuleMatrix[y][x])
                {
                    path.Append(CultureInfo.InvariantCulture, $"M{x} {y}h1v1h-1z");
                }
            }
        }
        return new QrDrawing(code.ModuleMatrix.Count, path.ToString());
    }
}
