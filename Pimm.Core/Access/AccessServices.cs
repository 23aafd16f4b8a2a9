using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Pimm.Core.Access;

public static class AccessServices
{
    /// <summary>Users, roles, passwords and lockout by ASP.NET Core Identity over our own stores; keys that seal cookies in the database.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services, IConfiguration configuration)
    {
        var access = configuration.GetSection(AccessOptions.Section).Get<AccessOptions>() ?? new AccessOptions();
        access.Validate();
        RefuseOpenIdConnect(configuration);
        services.AddSingleton(access);
        services.AddIdentityCore<AppUser>(identity =>
            {
                identity.Password.RequiredLength = access.PasswordLength;
                identity.Password.RequiredUniqueChars = 5;
                identity.Password.RequireDigit = false;
                identity.Password.RequireLowercase = false;
                identity.Password.RequireUppercase = false;
                identity.Password.RequireNonAlphanumeric = false;
                identity.SignIn.RequireConfirmedAccount = true;
                identity.Lockout.MaxFailedAccessAttempts = access.AttemptsBeforeLockout;
                identity.Lockout.DefaultLockoutTimeSpan = TimeSpan.FromMinutes(access.LockoutMinutes);
            })
            .AddRoles<AppRole>()
            .AddUserStore<AppUserStore>()
            .AddRoleStore<AppRoleStore>()
            .AddUserConfirmation<ActiveUser>()
            .AddTokenProvider<AuthenticatorCodes>(TokenOptions.DefaultAuthenticatorProvider);
        services.Configure<PasswordHasherOptions>(hasher => hasher.IterationCount = 210_000);
        services.AddScoped<AppUserStore>();
        services.AddScoped<UserAdministration>();
        services.AddScoped<OwnAccount>();
        services.AddSingleton<AuthenticatorKeys>();
        services.AddSingleton<UserListStore>();
        services.AddSingleton<ApiKeyStore>();
        services.AddSingleton<KeyAdministration>();
        services.AddSingleton<DataProtectionKeyStore>();
        services.AddDataProtection().SetApplicationName("pimm");
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider =>
            new ConfigureOptions<KeyManagementOptions>(keys => keys.XmlRepository = provider.GetRequiredService<DataProtectionKeyStore>()));
        return services;
    }

    // Settings that look as if they worked would be worse than none. docs/operations.md says what a second scheme needs.
    private static void RefuseOpenIdConnect(IConfiguration configuration)
    {
        if (configuration.GetSection($"{AccessOptions.Section}:OpenIdConnect").Exists())
        {
            throw new InputException(
                $"The setting {AccessOptions.Section}:OpenIdConnect is given, but this build cannot sign in by OpenID Connect: it comes without the package Microsoft.AspNetCore.Authentication.OpenIdConnect. Remove the setting, or see \"People and access\" in docs/operations.md.");
        }
    }
}

/// <summary>A deactivated user passes no step of the sign-in.</summary>
public sealed class ActiveUser : IUserConfirmation<AppUser>
{
    public Task<bool> IsConfirmedAsync(UserManager<AppUser> manager, AppUser user) => Task.FromResult(user.DeactivatedAt is null);
}
