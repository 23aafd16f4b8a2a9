using System.Globalization;

namespace Pimm.Web.Audiences;

/// <summary>Numbers of drawings, with a point whatever the language.</summary>
public static class Places
{
    public static string Of(double place) => place.ToString("0.###", CultureInfo.InvariantCulture);
}
