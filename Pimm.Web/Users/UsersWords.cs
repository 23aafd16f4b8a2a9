using Pimm.Core.Access;

namespace Pimm.Web.Users;

/// <summary>The words of users and roles.</summary>
public sealed class UsersWords
{
    public static string Role(string name) => name switch
    {
        Roles.Viewer => "Viewer",
        Roles.Marketer => "Marketer",
        Roles.DataScientist => "Data scientist",
        _ => "Administrator",
    };
}
