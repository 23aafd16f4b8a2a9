using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.FileProviders;

namespace Pimm.Core;

public static class PimmSettings
{
    /// <summary>
    /// Puts the one appsettings.json, which lies beside the assembly, below every other source: whatever a host
    /// adds (environment variables, command line) wins. A lost file stops the start.
    /// </summary>
    public static T AddPimmSettings<T>(this T configuration) where T : IConfigurationBuilder
    {
        configuration.Sources.Insert(0, new JsonConfigurationSource
        {
            Path = "appsettings.json",
            FileProvider = new PhysicalFileProvider(AppContext.BaseDirectory),
            Optional = false
        });
        return configuration;
    }
}
