using System.Globalization;
using System.Text;

namespace Pimm.Web.Tests;

/// <summary>Customer files as a marketer's spreadsheet writes them.</summary>
internal static class CustomerFile
{
    public const string Header = "Customer ID;E-Mail;Age;City;Notes";

    /// <param name="bad">so many of the rows have an age that is no number, from the second on</param>
    public static byte[] Of(int rows, int bad, string name = "k")
    {
        var text = new StringBuilder(Header).Append('\n');
        for (var i = 0; i < rows; i++)
        {
            var age = i >= 1 && i <= bad ? "unknown" : (20 + (i % 50)).ToString(CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"{name}{i:00000};person{i}@example.com;{age};{(i % 3 == 0 ? "Kiel" : "Bremen")};\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
